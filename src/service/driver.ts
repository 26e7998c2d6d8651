/**
 * The only thing that changes the pods of a service. It exists while its process holds the service's lock: in the
 * supervisor for the life of the service, or for the time of one command when there is no supervisor.
 */
import { WherryError } from "../base/errors.ts";
import type { PodHost } from "../pod/pod.ts";
import { PodWorker } from "../pod/worker.ts";
import type { Pod, PodUid, ServiceName } from "../spec/spec.ts";
import type { DurableState, PodRecord } from "../state/state.ts";
import { configSource } from "./config.ts";
import { hostPortsOf, newPod, resetContainers } from "../pod/records.ts";
import type { Plan, ServiceProgress, Step } from "./service.ts";

export interface DriverOptions {
  readonly host: PodHost;
  readonly durable: DurableState;
  readonly service: ServiceName;
  /** cgroup path of the service's base */
  readonly cgroup: string;
  readonly onProgress: (progress: ServiceProgress) => void;
  /** Something of the service has changed in the records. */
  readonly onChange: () => void;
}

export class ServiceDriver implements Disposable {
  readonly #options: DriverOptions;
  readonly #workers = new Map<PodUid, PodWorker>();

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  pods(): readonly PodRecord[] {
    return this.#options.host.state.pods({ service: this.#options.service });
  }

  /** Finishes or undoes what an earlier holder of the lock left half-way; pods that live are adopted. */
  async recover(): Promise<void> {
    await Promise.all(this.pods().map((record) => this.#worker(record.uid, record.pod).recover()));
  }

  /** Looks at every pod once and does what is due; used after `recover`. Does not wait. */
  resume(): void {
    for (const record of this.pods()) this.#worker(record.uid, record.pod).nudge();
  }

  /** Does the steps of a plan, pods side by side. Resolves when all of it is recorded and removals are done; the starts go on. */
  async apply(plan: Plan): Promise<void> {
    const pods = plan.steps.filter((step) => step.kind === "Pod");
    const removals = Promise.all(pods.filter((step) => step.verb === "remove").map((step) => this.#remove(step)));
    const rest = pods.filter((step) => step.verb !== "remove").map((step) => this.#applyPod(step, removals));
    const outcomes = await Promise.allSettled([removals, ...rest]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #applyPod(step: Step, removals: Promise<unknown>): Promise<void> {
    if (step.verb === "unchanged") return;
    if (step.verb === "start" && step.pod !== undefined) return this.#start(step.pod);
    if (step.verb === "replace") await this.#remove(step);
    try {
      this.#create(step);
    } catch (thrown) {
      if (!(thrown instanceof WherryError) || thrown.kind !== "conflict") throw thrown;
      await removals; // what it collides with may be on its way out
      this.#create(step);
    }
  }

  #create(step: Step): void {
    const { host, service, cgroup } = this.#options;
    const wanted = step.wanted;
    if (wanted === undefined || wanted.object.kind !== "Pod") return;
    const network = wanted.object.spec.hostNetwork ? "host" : (this.#options.durable.service(service)?.options.network ?? "bridge");
    const { record, containers } = newPod({ service, pod: wanted.object, hash: wanted.hash, network, cgroup, now: host.now() });
    const added = host.state.addPod(record, containers, {
      ...(network === "bridge" ? { subnet: host.bridge.subnet } : {}),
      hostPorts: hostPortsOf(wanted.object, network),
    });
    this.#options.onProgress({ pod: step.name, what: step.verb === "replace" ? "replaced" : "created" });
    this.#worker(added.uid, added.pod).nudge();
  }

  async #remove(step: Step): Promise<void> {
    if (step.pod !== undefined) await this.remove([step.pod.uid]);
  }

  /** Stops pods and takes all of them away. */
  async remove(uids: readonly PodUid[], grace?: number): Promise<void> {
    await this.#want(uids, "removed", grace);
  }

  /** Stops pods; they stay, and can be started again. */
  async stop(uids: readonly PodUid[], grace?: number): Promise<void> {
    await this.#want(uids, "stopped", grace);
  }

  async #want(uids: readonly PodUid[], wanted: "stopped" | "removed", grace: number | undefined): Promise<void> {
    const { host } = this.#options;
    await Promise.all(
      this.#records(uids).map(async (record) => {
        host.state.updatePod(record.uid, { wanted });
        const worker = this.#worker(record.uid, record.pod);
        worker.hurry(grace);
        await worker.poke();
      }),
    );
  }

  /** Starts stopped or ended pods anew: init containers run again, volumes keep their content. */
  async start(uids: readonly PodUid[]): Promise<void> {
    await Promise.all(this.#records(uids).map((record) => this.#start(record)));
  }

  async #start(record: PodRecord): Promise<void> {
    markStart(this.#options.host, record);
    this.#worker(record.uid, record.pod).nudge();
  }

  async restart(uids: readonly PodUid[], grace?: number): Promise<void> {
    await this.stop(uids, grace);
    await this.start(uids);
  }

  /** Sends a signal to all containers of pods. SIGKILL means that they shall not come back: they count as stopped. */
  async kill(uids: readonly PodUid[], signal: NodeJS.Signals): Promise<void> {
    if (signal === "SIGKILL") return this.#want(uids, "stopped", 0);
    const { host } = this.#options;
    const running = this.#records(uids).flatMap((record) => host.state.containers(record.uid));
    await Promise.all(running.map(async ({ state }) => (state.status === "running" ? host.runtime.kill(state.id, signal) : false)));
  }

  #records(uids: readonly PodUid[]): readonly PodRecord[] {
    return this.pods().filter((record) => uids.includes(record.uid));
  }

  #worker(uid: PodUid, pod: Pod): PodWorker {
    const known = this.#workers.get(uid);
    if (known !== undefined) return known;
    const { host, durable, service, onProgress, onChange } = this.#options;
    const { name, namespace } = pod.metadata;
    const worker = new PodWorker(uid, {
      host,
      config: configSource(durable, service),
      reporter: {
        event: (event) => host.state.addEvent({ service, namespace, kind: "Pod", name, uid, ...event }, host.now()),
        progress: (what, container) => onProgress({ pod: name, what, ...(container === undefined ? {} : { container }) }),
      },
      onChange: () => {
        if (host.state.pod(uid) === undefined) this.#workers.delete(uid);
        onChange();
      },
    });
    this.#workers.set(uid, worker);
    return worker;
  }

  /** Lets go of all pods; they live on. */
  [Symbol.dispose](): void {
    for (const worker of this.#workers.values()) worker[Symbol.dispose]();
    this.#workers.clear();
  }
}

/** Records that a pod shall run, from its beginning. Needs the service's lock, not a supervisor. */
export function markStart(host: Pick<PodHost, "state">, record: PodRecord): void {
  host.state.transaction(() => {
    host.state.updatePod(record.uid, { wanted: "running", phase: "Pending", reason: "", message: "", initializedAt: 0, readyAt: 0 });
    resetContainers(host.state, record);
  });
}
