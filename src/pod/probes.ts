/**
 * Runs the postStart hooks and the probes of a pod's containers, and records what they find. It sleeps between probes,
 * writes only what has changed, and knows nothing that is not in the records but the counts of results in a row: who
 * takes the pod over begins to count anew.
 */
import type { Container, ContainerId, ContainerName, PodUid } from "../spec/spec.ts";
import type { ContainerHealth, ContainerRecord, PodRecord } from "../state/state.ts";
import { fieldPathOf } from "./fieldPath.ts";
import { runHook } from "./hooks.ts";
import { specOf } from "./image.ts";
import type { PodHost, PodReporter } from "./pod.ts";
import { runProbe } from "./probe.ts";
import { afterResult, gridOf, mayProbe, NEW_PROBER, nextProbe, PROBE_KINDS, type Grid, type ProbeKind, type Prober, type ProbeResult } from "./prober.ts";
import { healthOf, isHooked, isStarted } from "./readiness.ts";

/** Why a container must not go on. */
export type Unhealthy = "startup" | "liveness" | "postStart";

/** What is said of the end of such a container, and the seconds that its probe gives it. */
export function unhealthyStop(container: Container, { pod }: PodRecord, why: Unhealthy): { readonly message: string; readonly grace?: number } {
  if (why === "postStart") return { message: "FailedPostStartHook" };
  const again = (container.restartPolicy ?? pod.spec.restartPolicy) === "Never" ? "" : ", will be restarted";
  const grace = container[`${why}Probe`]?.terminationGracePeriodSeconds;
  return { message: `Container ${container.name} failed ${why} probe${again}`, ...(grace === undefined ? {} : { grace }) };
}

export interface ProbesOptions {
  readonly host: PodHost;
  readonly uid: PodUid;
  readonly reporter: PodReporter;
  /** The records have changed. */
  readonly onChange: () => void;
  /** A container that runs under this id must be ended. */
  readonly onUnhealthy: (name: ContainerName, id: ContainerId, why: Unhealthy) => void;
}

interface Probed {
  readonly kind: ProbeKind;
  readonly grid: Grid;
  prober: Prober;
  /** The latest instant of a probe. */
  after: number | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  busy: boolean;
}

/** What is recorded: whoever changes it has `look` called, so that a probe need not read it. */
interface Present {
  readonly record: PodRecord;
  readonly container: ContainerRecord;
}

interface Watched {
  readonly id: ContainerId;
  present: Present;
  readonly stop: AbortController;
  readonly probes: Partial<Record<ProbeKind, Probed>>;
  hooking: boolean;
}

const TITLES: Readonly<Record<ProbeKind, string>> = { startup: "Startup", readiness: "Readiness", liveness: "Liveness" };

export class Probes implements Disposable {
  readonly #options: ProbesOptions;
  readonly #watched = new Map<ContainerName, Watched>();
  /** Containers that were started before are taken over. */
  readonly #since: number;

  constructor(options: ProbesOptions) {
    this.#options = options;
    this.#since = options.host.now();
  }

  /** Begins what is due for the containers as they are recorded, and ends what is for others. */
  look(record: PodRecord, containers: readonly ContainerRecord[]): void {
    for (const container of containers) {
      const { name, state } = container;
      const watched = this.#watched.get(name);
      if (watched !== undefined && (state.status !== "running" || state.id !== watched.id)) this.#drop(name, watched);
      if (state.status !== "running") continue;
      const spec = specOf(record, container);
      if (hasNone(spec)) continue;
      const found = this.#watched.get(name) ?? this.#begin(name, state.id, { record, container });
      found.present = { record, container };
      if (!isHooked(record, container)) this.#hook(record, container, found);
      else for (const kind of PROBE_KINDS) this.#schedule(found, kind);
    }
  }

  /** The container is being ended: nothing but its readiness is looked at any more. */
  ending(name: ContainerName): void {
    const watched = this.#watched.get(name);
    for (const kind of ["startup", "liveness"] as const) {
      const probed = watched?.probes[kind];
      if (probed === undefined) continue;
      clearTimeout(probed.timer);
      probed.prober = { ...probed.prober, held: true };
    }
  }

  #begin(name: ContainerName, id: ContainerId, present: Present): Watched {
    const watched: Watched = { id, present, stop: new AbortController(), probes: {}, hooking: false };
    this.#watched.set(name, watched);
    return watched;
  }

  #drop(name: ContainerName, watched: Watched): void {
    this.#watched.delete(name);
    watched.stop.abort();
    for (const probed of Object.values(watched.probes)) clearTimeout(probed.timer);
  }

  #hook(record: PodRecord, container: ContainerRecord, watched: Watched): void {
    const spec = specOf(record, container);
    const handler = spec.lifecycle?.postStart;
    if (watched.hooking || handler === undefined || record.wanted !== "running") return;
    watched.hooking = true;
    if (healthOf(container)?.hookError !== undefined) return this.#options.onUnhealthy(container.name, watched.id, "postStart"); // its end was interrupted
    void runHook(this.#options.host, handler, { record, container: spec, id: watched.id, signal: watched.stop.signal }).then((failure) => {
      if (failure === undefined) this.#found(container.name, watched, { hooked: true });
      else if (!watched.stop.signal.aborted) this.#hookFailed(container, watched, failure);
    });
  }

  /** Recorded before the container is ended, so that its end is known to be for this. */
  #hookFailed(container: ContainerRecord, watched: Watched, failure: string): void {
    const { reporter, onUnhealthy } = this.#options;
    reporter.event({ type: "Warning", reason: "FailedPostStartHook", message: "PostStartHook failed", fieldPath: fieldPathOf(container) });
    reporter.progress(`postStart hook failed: ${failure}`, container.name);
    this.#found(container.name, watched, { hookError: failure });
    onUnhealthy(container.name, watched.id, "postStart");
  }

  #schedule(watched: Watched, kind: ProbeKind): void {
    const { record, container } = watched.present;
    const probe = specOf(record, container)[`${kind}Probe`];
    if (probe === undefined || container.state.status !== "running") return;
    if (record.wanted !== "running" && kind !== "readiness") return;
    const started = isStarted(record, container);
    const now = this.#options.host.now();
    const probed = (watched.probes[kind] ??= this.#newProbed(kind, { probe, startedAt: container.state.startedAt, now }));
    if (probed.timer !== undefined || probed.busy || !mayProbe(kind, probed.prober, started)) return;
    // Once started, a liveness probe waits for its next instant; a readiness probe is asked at once.
    if (probed.after === undefined && kind === "liveness" && specOf(record, container).startupProbe !== undefined) probed.after = now;
    this.#wait(container.name, watched, probed);
  }

  #newProbed(kind: ProbeKind, { probe, startedAt, now }: { readonly probe: NonNullable<Container["livenessProbe"]>; readonly startedAt: number; readonly now: number }): Probed {
    const takenOver = startedAt < this.#since ? { takenOverAt: now } : {};
    return { kind, grid: gridOf(probe, { startedAt, ...takenOver, random: Math.random() }), prober: NEW_PROBER, after: undefined, timer: undefined, busy: false };
  }

  #wait(name: ContainerName, watched: Watched, probed: Probed): void {
    const now = this.#options.host.now();
    probed.timer = setTimeout(() => void this.#probe(name, watched, probed), nextProbe(probed.grid, { after: probed.after, now }) - now);
    probed.timer.unref();
  }

  async #probe(name: ContainerName, watched: Watched, probed: Probed): Promise<void> {
    const { host } = this.#options;
    probed.timer = undefined;
    probed.after = host.now();
    const { record, container } = watched.present;
    const spec = specOf(record, container);
    const probe = spec[`${probed.kind}Probe`];
    if (probe === undefined || !mayProbe(probed.kind, probed.prober, isStarted(record, container))) return;
    probed.busy = true;
    const result = await runProbe(host, { record, container: spec, id: watched.id, probe, signal: watched.stop.signal });
    probed.busy = false;
    if (watched.stop.signal.aborted || this.#watched.get(name) !== watched) return;
    try {
      this.#count(watched.present.container, watched, { probed, result, timing: probe });
    } finally {
      if (!watched.stop.signal.aborted) this.#schedule(watched, probed.kind);
    }
  }

  #count(container: ContainerRecord, watched: Watched, { probed, result, timing }: { readonly probed: Probed; readonly result: ProbeResult; readonly timing: NonNullable<Container["livenessProbe"]> }): void {
    const { kind } = probed;
    if (probed.prober.held) return; // it is being ended
    this.#tell(container, kind, result);
    const { prober, verdict } = afterResult(probed.prober, result.is, { kind, timing });
    probed.prober = prober;
    if (result.is !== "success" && kind !== "liveness") this.#why(container, watched, `${kind} probe: ${lastLine(result.is === "error" ? result.message : result.output)}`);
    if (verdict === "failure" && kind !== "readiness") return this.#options.onUnhealthy(container.name, watched.id, kind);
    if (verdict === undefined || kind === "liveness") return;
    this.#found(container.name, watched, kind === "startup" ? { started: true } : { ready: verdict === "success" });
  }

  #tell(container: ContainerRecord, kind: ProbeKind, result: ProbeResult): void {
    const event = (reason: string, message: string): void =>
      this.#options.reporter.event({ type: "Warning", reason, message: `${TITLES[kind]} probe ${message}`, fieldPath: fieldPathOf(container) });
    if (result.is === "failure") event("Unhealthy", `failed: ${result.output}`);
    if (result.is === "error") event("Unhealthy", `errored and resulted in unknown state: ${result.message}`);
    if (result.is === "success" && result.warning !== undefined) event("ProbeWarning", `warning: ${result.warning}`);
  }

  /** For who waits: only while the container is not ready, and when it is news. */
  #why(container: ContainerRecord, watched: Watched, why: string): void {
    const health = healthOf(container);
    if (health?.ready !== true && health?.why !== why) this.#found(container.name, watched, { why });
  }

  /** Recorded only while it runs under the same id, and only what is news. */
  #found(name: ContainerName, watched: Watched, found: Omit<ContainerHealth, "id">): void {
    const { host: { state }, uid, onChange } = this.#options;
    if (watched.stop.signal.aborted) return;
    const before = healthOf(watched.present.container) ?? { id: watched.id };
    const { why, ...rest } = before;
    const health = { ...rest, ...(why === undefined || found.ready === true || found.started === true ? {} : { why }), ...found };
    if (Bun.deepEquals(health, before)) return;
    watched.present = { ...watched.present, container: { ...watched.present.container, health } };
    state.updateContainer(uid, name, { health });
    onChange();
  }

  /** Lets go of all: what is under way is ended. */
  [Symbol.dispose](): void {
    for (const [name, watched] of this.#watched) this.#drop(name, watched);
  }
}

const hasNone = ({ startupProbe, readinessProbe, livenessProbe, lifecycle }: Container): boolean =>
  startupProbe === undefined && readinessProbe === undefined && livenessProbe === undefined && lifecycle?.postStart === undefined;

const lastLine = (text: string): string => (text.trim().split("\n").at(-1) ?? "").slice(0, 200);
