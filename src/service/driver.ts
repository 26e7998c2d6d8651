/**
 * The only thing that changes the pods of a service. It exists while its process holds the service's lock: in the
 * supervisor for the life of the service, or for the time of one command when there is no supervisor.
 */
import { fail, WherryError } from "../base/errors.ts";
import { allDone } from "../base/promises.ts";
import { isAlive } from "../pod/decide.ts";
import { usesClaim } from "../pod/claims.ts";
import type { PodHost } from "../pod/pod.ts";
import { PodWorker } from "../pod/worker.ts";
import type { Pod, PodUid, ServiceName } from "../spec/spec.ts";
import type { Signal } from "../spec/signals.ts";
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

const NOTHING: ReadonlyMap<string, string> = new Map();

export class ServiceDriver implements Disposable {
  readonly #options: DriverOptions;
  readonly #workers = new Map<PodUid, PodWorker>();
  readonly #listening: Disposable;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#listening = options.host.puller.listen((what) => options.onProgress({ what }));
  }

  pods(): readonly PodRecord[] {
    return this.#options.host.state.pods({ service: this.#options.service });
  }

  /** Containers of a pod that wait for their image, and what is said of it: `pulling 45%`. */
  pulling(uid: PodUid): ReadonlyMap<string, string> {
    return this.#workers.get(uid)?.pulling() ?? NOTHING;
  }

  /** Tries at once what could not be made and waits for its next try: with other credentials, an image may come now. */
  retry(): void {
    for (const worker of this.#workers.values()) worker.retry();
  }

  /**
   * Takes over what an earlier holder of the lock left: every pod finishes or undoes what was half-way, adopts what
   * lives, and does what is due. Resolves when each has been looked at once; one that fails is tried again by itself and
   * keeps no other from going on.
   */
  async recover(): Promise<void> {
    const workers = this.pods().map((record) => this.#worker(record.uid, record.pod));
    for (const worker of workers) worker.nudge();
    await Promise.allSettled(workers.map((worker) => worker.recover()));
  }

  /** From now on no pod is made or started: the service is being taken down. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Does the steps of a plan, pods side by side. Resolves when all of it is recorded and removals are done; the starts
   * go on. With `start: false` new pods are recorded as stopped.
   */
  async apply(plan: Plan, { start }: { readonly start: boolean }): Promise<void> {
    const pods = plan.steps.filter((step) => step.kind === "Pod");
    const removals = new Map(pods.filter(({ verb }) => verb === "remove" || verb === "replace").map((step) => [step, this.#remove(step)]));
    const others = Promise.allSettled(removals.values());
    await allDone(pods.map((step) => this.#applyPod(step, { removed: removals.get(step), others, start })));
  }

  async #applyPod(step: Step, { removed, others, start }: { readonly removed: Promise<void> | undefined; readonly others: Promise<unknown>; readonly start: boolean }): Promise<void> {
    await removed;
    if (step.verb === "start" && step.pod !== undefined && start) this.#start(step.pod);
    if (step.verb === "unchanged" && step.pod !== undefined) this.#worker(step.pod.uid, step.pod.pod).updateVolumes();
    if (step.verb !== "create" && step.verb !== "replace") return;
    if (this.#needsAlone(step)) await others;
    try {
      this.#create(step, start);
    } catch (thrown) {
      if (!(thrown instanceof WherryError) || thrown.kind !== "conflict") throw thrown;
      await others; // what it collides with may be on its way out
      this.#create(step, start);
    }
  }

  /** A claim of mode ReadWriteOncePod may be with a pod that is on its way out. */
  #needsAlone({ wanted }: Step): boolean {
    if (wanted?.object.kind !== "Pod") return false;
    const { namespace } = wanted.object.metadata;
    const pod = wanted.object;
    return this.#options.host.claims.all().some(({ claim: { metadata, spec } }) =>
      metadata.namespace === namespace && spec.accessModes.includes("ReadWriteOncePod") && usesClaim({ pod }, metadata.name));
  }

  #refuseWhenClosed(): void {
    const { service } = this.#options;
    if (this.#closed) fail("conflict", `Cannot play "${service}": it is being taken down`, { code: "ESTOPPING", hint: "play it again when it is gone" });
  }

  #create(step: Step, start: boolean): void {
    this.#refuseWhenClosed();
    const { host, service, cgroup } = this.#options;
    const wanted = step.wanted;
    if (wanted === undefined || wanted.object.kind !== "Pod") return;
    const network = wanted.object.spec.hostNetwork ? "host" : (this.#options.durable.service(service)?.options.network ?? "bridge");
    const { record, containers } = newPod({ service, pod: wanted.object, hash: wanted.hash, network, cgroup, now: host.now() });
    const added = host.state.addPod({ ...record, wanted: start ? "running" : "stopped" }, containers, {
      ...(network === "bridge" ? { subnet: host.bridge.subnet, ...(host.ipv6() ? { subnet6: host.bridge.subnet6 } : {}) } : {}),
      hostPorts: hostPortsOf(wanted.object, network),
    });
    this.#options.onProgress({ pod: step.name, what: step.verb === "replace" ? "replaced" : "created" });
    this.#worker(added.uid, added.pod, { isNew: true }).nudge();
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
    await allDone(
      this.#records(uids).map(async (record) => {
        if (record.wanted !== "removed") host.state.updatePod(record.uid, { wanted }); // a removal is never taken back
        const worker = this.#worker(record.uid, record.pod);
        worker.hurry(grace);
        await worker.poke();
      }),
    );
  }

  /** Starts stopped or ended pods anew: init containers run again, volumes keep their content. Others are left alone. */
  start(uids: readonly PodUid[]): void {
    for (const record of this.#records(uids)) this.#start(record);
  }

  #start(record: PodRecord): void {
    this.#refuseWhenClosed();
    markStart(this.#options.host, record);
    this.#worker(record.uid, record.pod).nudge();
  }

  async restart(uids: readonly PodUid[], grace?: number): Promise<void> {
    const restartOne = async (uid: PodUid): Promise<void> => {
      await this.stop([uid], grace);
      this.start([uid]);
    };
    await allDone(uids.map(restartOne));
  }

  /** Sends a signal to all containers of pods. SIGKILL means that they shall not come back: they count as stopped. */
  async kill(uids: readonly PodUid[], signal: Signal): Promise<void> {
    if (signal === "SIGKILL") return this.#want(uids, "stopped", 0);
    const { host } = this.#options;
    const running = this.#records(uids).flatMap((record) => host.state.containers(record.uid));
    await allDone(running.map(async ({ state }) => (state.status === "running" ? host.runtime.kill(state.id, signal) : false)));
  }

  /** Records a condition that a readiness gate waits for. Its time moves only when its status does. */
  setCondition(uid: PodUid, { type, status }: { readonly type: string; readonly status: "True" | "False" }): void {
    const [record] = this.#records([uid]);
    if (record === undefined || record.conditions?.[type]?.status === status) return;
    const { state, now } = this.#options.host;
    state.updatePod(uid, { conditions: { ...record.conditions, [type]: { status, since: now() } } });
    this.#worker(uid, record.pod).nudge();
  }

  #records(uids: readonly PodUid[]): readonly PodRecord[] {
    return this.pods().filter((record) => uids.includes(record.uid));
  }

  #worker(uid: PodUid, pod: Pod, { isNew }: { readonly isNew: boolean } = { isNew: false }): PodWorker {
    const known = this.#workers.get(uid);
    if (known !== undefined) return known;
    const { host, durable, service, onProgress, onChange } = this.#options;
    const { name, namespace } = pod.metadata;
    const worker = new PodWorker(uid, {
      isNew,
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
    this.#listening[Symbol.dispose]();
    for (const worker of this.#workers.values()) worker[Symbol.dispose]();
    this.#workers.clear();
  }
}

/**
 * Records that a stopped or ended pod shall run, from its beginning; one whose stop was interrupted goes on with what is
 * left of it. A pod that runs, or is being removed, is left alone. Needs the service's lock, not a supervisor.
 */
export function markStart({ state, now }: Pick<PodHost, "state" | "now">, record: PodRecord): void {
  const ended = record.phase === "Succeeded" || record.phase === "Failed";
  if (record.wanted === "removed" || (record.wanted === "running" && !ended)) return;
  const anew = record.sandboxAt === 0 && !state.containers(record.uid).some(isAlive);
  state.transaction(() => {
    state.updatePod(record.uid, { wanted: "running", phase: "Pending", reason: "", message: "", startedAt: now(), ...(anew ? { initializedAt: 0, readyAt: 0 } : {}) });
    resetContainers(state, record);
  });
}
