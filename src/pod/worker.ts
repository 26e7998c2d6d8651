/**
 * Drives one pod: looks at its records, does what `decide` says, and looks again, one step at a time. Container exits
 * and back-offs poke it. Everything it knows is in the records; killing the process at any line loses nothing: the first
 * step of a new worker is to compare the records with what there is, and so is the first one after a step that failed.
 */
import { messageOf } from "../base/errors.ts";
import { rejectionOf } from "../container/admission.ts";
import { allDone } from "../base/promises.ts";
import { isLostNamespace } from "../network/namespaces.ts";
import type { ContainerId, ContainerName, PodUid, Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { finishPod, restartAll, stopPod } from "./closing.ts";
import { decide, earliest, EXPIRED, isActive, isAlive, type Decision } from "./decide.ts";
import { derive } from "./derive.ts";
import { recoverContainer, terminated } from "./end.ts";
import { Ends } from "./ends.ts";
import type { ConfigSource, PodHost, PodReporter } from "./pod.ts";
import { PodImages } from "./images.ts";
import { recordEnd, showBackOffs } from "./recordEnd.ts";
import { attachmentOf, makeSandbox, removeSandbox, sandboxStands, tellUnreachable, unmakeSandbox } from "./sandbox.ts";
import { endBackOffs } from "./retry.ts";
import { recordRejection, recordSandboxFailure } from "./sandboxFailure.ts";
import { startContainer } from "./start.ts";
import { updateVolumes } from "./volumes.ts";
import { EVICTION_GRACE, StorageWatch } from "./storageWatch.ts";
import { Stopper } from "./stopper.ts";
import { Probes, type Unhealthy, unhealthyStop } from "./probes.ts";
import { specOf } from "./image.ts";
import { backoffDelay, refused } from "./backoff.ts";

export interface WorkerOptions {
  readonly host: PodHost;
  readonly config: ConfigSource;
  readonly reporter: PodReporter;
  /** Called after every change of the pod's records; the pod may be gone by then. */
  readonly onChange: (uid: PodUid) => void;
  /** Just recorded: there is nothing of it yet. */
  readonly isNew: boolean;
}

/** After a step that could not be done (not a container's failure: those have their back-off), in ms. */
const RETRY_AFTER = 10_000;

export class PodWorker implements Disposable {
  readonly uid: PodUid;
  readonly #options: WorkerOptions;
  readonly #images: PodImages;
  readonly #ends: Ends;
  readonly #stopper: Stopper;
  readonly #probes: Probes;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sandboxFailures = 0;
  /** Ends the pull of an image volume that nobody wants any more. */
  #making = new AbortController();
  readonly #storage: StorageWatch;
  /** Volumes were to be updated while the sandbox was being made. */
  #stale = false;
  /** The records agree with what there is. */
  #recovered: boolean;
  #recovering: Promise<void> | undefined;

  constructor(uid: PodUid, options: WorkerOptions) {
    this.uid = uid;
    this.#options = options;
    const { host, config, reporter, onChange } = options;
    this.#images = new PodImages({ host, config, reporter, onSettled: () => this.nudge(), onProgress: () => onChange(uid) });
    this.#ends = new Ends({ host, uid, reporter, record: (name, end) => this.#endedByItself(name, end) });
    this.#probes = new Probes({ host, uid, reporter, onChange: () => this.#healthChanged(), onUnhealthy: (...about) => void this.#endUnhealthy(...about) });
    this.#stopper = new Stopper({
      host, reporter,
      ended: (name) => this.#ends.recorded(name),
      settle: (container) => this.#settle(container),
      onEnding: (name) => this.#probes.ending(name),
    });
    this.#recovered = options.isNew;
    this.#storage = new StorageWatch(uid, { ...options, onEvicted: () => { this.hurry(EVICTION_GRACE); this.nudge(); } });
  }

  /** Looks at the pod and does what is due; resolves when nothing is due any more. Fails when a step could not be done; it is tried again later. */
  poke(): Promise<void> {
    this.#again = true;
    if (this.#running !== undefined && this.#options.host.state.pod(this.uid)?.wanted !== "running") this.#making.abort();
    this.#running ??= this.#loop();
    return this.#running;
  }

  /** As `poke`, for events that nobody waits for: what fails has been reported, and will be tried again. */
  nudge(): void {
    this.poke().catch(() => {});
  }

  /** Containers that wait for their image, and what is said of it: `pulling 45%`. */
  pulling(): ReadonlyMap<string, string> {
    return this.#images.pulling();
  }

  /** Tries at once what could not be made and waits for its next try. */
  retry(): void {
    if (endBackOffs(this.#options.host.state, this.uid)) this.nudge();
  }

  /** Brings the files of ConfigMaps and Secrets in its volumes up to date. */
  updateVolumes(): void {
    const { host } = this.#options;
    const record = host.state.pod(this.uid);
    if (record === undefined || record.wanted !== "running") return;
    if (record.sandboxAt > 0) updateVolumes(host, record, this.#options);
    else this.#stale = true; // they may be being made
  }

  #failed(thrown: unknown): void {
    this.#recovered = false;
    this.#wakeAt(this.#options.host.now() + RETRY_AFTER);
    // A process in the wrong namespace can do nothing right any more: as an error that nobody catches, this one ends it.
    if (isLostNamespace(thrown)) queueMicrotask(() => { throw thrown; });
    const message = messageOf(thrown);
    this.#options.reporter.progress(`error: ${message}`);
    try {
      this.#options.reporter.event({ type: "Warning", reason: "FailedSync", message: `Error syncing pod: ${message}`, fieldPath: "" });
    } catch {
      // The database itself may be what has failed; the next try comes in any case.
    }
  }

  /** Grace period in seconds for the stop that comes or runs, instead of the pod's own; 0 kills at once. */
  hurry(grace: number | undefined): void {
    if (grace !== undefined) this.#stopper.hurry(grace);
  }

  /** Brings the records in line with what a previous supervisor, or a step that failed, left behind. */
  async recover(): Promise<void> {
    if (this.#recovered) return;
    this.#recovering ??= this.#recover().finally(() => {
      this.#recovering = undefined;
    });
    await this.#recovering;
  }

  async #recover(): Promise<void> {
    const { host } = this.#options;
    for (const container of host.state.containers(this.uid)) {
      if ("id" in container.state && this.#ends.isWatched(container.name, container.state.id)) continue;
      const found = await recoverContainer(host, this.#record(), container);
      if (found.is === "alive") this.#ends.watch(container.name, found.id, found.bundle);
      if (found.is === "ended") this.#ended(container.name, found.end);
      if (found.is === "undone") host.state.updateContainer(this.uid, container.name, { state: { status: "waiting", reason: "ContainerCreating" } });
    }
    const record = this.#record();
    if (record.sandboxAt === 0 || !(await sandboxStands(host, record))) await this.#loseSandbox(record);
    else if (record.network === "bridge") await host.network.resume?.(attachmentOf(host, record), tellUnreachable(this.#options.reporter));
    this.#recovered = true;
  }

  /** Without the namespaces nothing that runs in them is worth keeping. A sandbox that was never finished is taken back, too. */
  async #loseSandbox(record: PodRecord): Promise<void> {
    await this.#stopper.stopAll(record, { grace: 0 });
    await unmakeSandbox(this.#options.host, record);
    if (record.sandboxAt > 0) this.#options.host.state.updatePod(this.uid, { sandboxAt: 0, initializedAt: 0, readyAt: 0 });
  }

  #record(): PodRecord {
    const record = this.#options.host.state.pod(this.uid);
    if (record === undefined) throw new Error(`pod ${this.uid} has no record`);
    return record;
  }

  /** What is asked for while a step fails is tried at once; the failure is then nobody's answer. */
  async #loop(): Promise<void> {
    await undefined; // `#running` is set by then
    try {
      while (this.#again) {
        this.#again = false;
        try {
          await this.#step();
        } catch (thrown) {
          this.#failed(thrown);
          if (!this.#again) throw thrown;
        }
      }
    } finally {
      this.#running = undefined; // in the same turn as the last look at `#again`: no poke gets lost
    }
  }

  async #step(): Promise<void> {
    const { host } = this.#options;
    if (host.state.pod(this.uid) === undefined || !this.#ends.open) return;
    await this.recover();
    const record = this.#record();
    this.#storage.begin(record);
    const again = await this.#act(this.#decide(record), record);
    this.#again ||= again;
    this.#refresh();
  }

  #decide(record: PodRecord): Decision {
    const { host } = this.#options;
    const before = host.state.containers(this.uid);
    if (!isActive(record, before)) {
      this.#images.stop();
      return decide(record, before, { now: host.now() });
    }
    const shown = showBackOffs(this.#options, record, before);
    const { containers, held, wakeAt } = this.#images.look(record, shown.changed ? host.state.containers(this.uid) : before);
    const decision = decide(record, containers, { now: host.now(), held });
    return decision.do === "nothing" ? { do: "nothing", ...earliest(decision.wakeAt, wakeAt, shown.wakeAt) } : decision;
  }

  /** Does one decision; true when the pod is to be looked at again at once. */
  async #act(decision: Decision, record: PodRecord): Promise<boolean> {
    const { host, reporter } = this.#options;
    switch (decision.do) {
      case "nothing":
        this.#wakeAt(decision.wakeAt);
        return false;
      case "sandbox":
        return await this.#sandbox(record);
      case "start":
        await allDone(decision.containers.map((each) => this.#start(record, each)));
        return true;
      case "expire":
        reporter.event({ type: "Normal", reason: EXPIRED.reason, message: EXPIRED.message, fieldPath: "" });
        host.state.updatePod(this.uid, EXPIRED);
        return true;
      case "restartAll":
        await restartAll({ host, stopper: this.#stopper }, record);
        return true;
      case "finish":
        await finishPod({ host, stopper: this.#stopper }, record, decision.phase);
        return false;
      case "stop":
        await stopPod({ host, stopper: this.#stopper }, record);
        return true;
      case "remove":
        await this.#remove(record);
        return false;
    }
  }

  #wakeAt(time: number | undefined): void {
    clearTimeout(this.#timer);
    if (time !== undefined) this.#timer = setTimeout(() => this.nudge(), Math.max(0, time - this.#options.host.now()) + 1);
  }

  async #sandbox(record: PodRecord): Promise<boolean> {
    const { host, reporter, config } = this.#options;
    try {
      const rejection = rejectionOf(record.pod, host.admission());
      if (rejection !== undefined) {
        recordRejection({ host, uid: this.uid, reporter }, rejection);
        return false;
      }
      this.#making = new AbortController();
      await makeSandbox(host, record, { config, reporter, signal: this.#making.signal });
      this.#sandboxFailures = 0;
      host.state.updatePod(this.uid, { sandboxAt: host.now(), reason: "", message: "" });
      if (this.#stale) updateVolumes(host, record, { config, reporter });
      this.#stale = false;
      return true;
    } catch (thrown) {
      if (isLostNamespace(thrown)) throw thrown;
      if (!this.#making.signal.aborted) {
        this.#sandboxFailures += 1;
        recordSandboxFailure({ host, uid: this.uid, reporter }, messageOf(thrown), host.now() + Math.max(1000, backoffDelay(this.#sandboxFailures)));
        this.#refresh();
      }
      await unmakeSandbox(host, record);
      return true;
    }
  }

  async #start(record: PodRecord, container: ContainerRecord): Promise<void> {
    const { host, config, reporter } = this.#options;
    const taken = this.#images.take(record, container);
    if (taken.is === "gone") return;
    if (taken.is === "refused") {
      host.state.updateContainer(this.uid, container.name, { state: taken.state });
      return this.#refresh();
    }
    const outcome = await startContainer(host, { record, container, image: taken.image, present: taken.present, config, reporter });
    if (outcome.is === "running") this.#ends.watch(container.name, outcome.id, outcome.bundle);
    else if (outcome.is === "ended") this.#ended(container.name, outcome.end);
    else host.state.updateContainer(this.uid, container.name, refused(container, outcome, host.now()));
    this.#refresh();
  }

  #container(name: ContainerName): ContainerRecord | undefined {
    return this.#options.host.state.containers(this.uid).find((each) => each.name === name);
  }

  #endedByItself(name: ContainerName, end: Terminated): void {
    this.#ended(name, end);
    this.nudge();
  }

  #ended(name: ContainerName, end: Terminated): void {
    const container = this.#container(name);
    if (container === undefined) return;
    recordEnd(this.#options, { record: this.#record(), container, end });
    this.#refresh();
  }

  #healthChanged(): void {
    this.#refresh();
    this.nudge(); // what waited for it may be started
  }

  /** A container that fails its probes or its hook is ended; its restart policy says what follows. */
  async #endUnhealthy(name: ContainerName, id: ContainerId, why: Unhealthy): Promise<void> {
    const container = this.#container(name);
    if (container === undefined || !("id" in container.state) || container.state.id !== id) return;
    const record = this.#record();
    await this.#stopper.stop(record, container, unhealthyStop(specOf(record, container), record, why)).catch((thrown: unknown) => this.#failed(thrown));
  }

  /** A container that nobody watched (half-made, or its monitor lost) is recorded as ended here. */
  #settle(before: ContainerRecord): void {
    const container = this.#container(before.name);
    if (container === undefined || !isAlive(container)) return;
    this.#ended(container.name, terminated(container.state, undefined, this.#options.host.now()));
  }

  async #remove(record: PodRecord): Promise<void> {
    const { host, reporter } = this.#options;
    await this.#stopper.stopAll(record);
    await removeSandbox(host, record);
    host.state.removePod(this.uid);
    this[Symbol.dispose]();
    reporter.progress("removed");
    this.#options.onChange(this.uid);
  }

  /** Writes what follows from the containers when it has changed, begins and ends their probes, and tells. */
  #refresh(): void {
    const { host } = this.#options;
    const record = host.state.pod(this.uid);
    if (record === undefined) return;
    const containers = host.state.containers(this.uid);
    const change = derive(record, containers, host.now());
    if (Object.keys(change).length > 0) host.state.updatePod(this.uid, change);
    if (this.#ends.open) this.#probes.look(record, containers);
    this.#options.onChange(this.uid);
  }

  /** Lets go of the pod: its containers live on, nobody watches them from here. */
  [Symbol.dispose](): void {
    this.#ends[Symbol.dispose]();
    this.#probes[Symbol.dispose]();
    this.#images.stop();
    this.#making.abort();
    clearTimeout(this.#timer);
    this.#storage[Symbol.dispose]();
  }
}
