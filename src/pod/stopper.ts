/** Ends containers of a pod, one or all of them, in the kubelet's order and each only once. */
import { allDone } from "../base/promises.ts";
import type { ContainerId, ContainerName } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { isAlive } from "./decide.ts";
import { fieldPathOf } from "./fieldPath.ts";
import { runHook } from "./hooks.ts";
import { specOf } from "./image.ts";
import type { PodHost, PodReporter } from "./pod.ts";
import { stopContainer } from "./stop.ts";

export interface StopperOptions {
  readonly host: PodHost;
  readonly reporter: PodReporter;
  /** Resolves when the end of a container that is watched has been recorded. */
  readonly ended: (name: ContainerName) => Promise<void> | undefined;
  /** The container has ended, or is gone: records it, when nobody has. */
  readonly settle: (container: ContainerRecord) => void;
  readonly onEnding: (name: ContainerName) => void;
}

/** How one stop differs from that of a pod. */
export interface StopOptions {
  /** Message of the event; `Stopping container NAME` when absent. */
  readonly message?: string;
  /** Seconds in place of the pod's; 0 kills at once, without the hook. */
  readonly grace?: number;
  /** When the grace period began (`performance.now()`); now when absent. */
  readonly since?: number;
}

/** Milliseconds between the stop signal and SIGKILL, even when the hook has used the grace period up. */
const MINIMUM = 2_000;

export class Stopper {
  readonly #options: StopperOptions;
  readonly #stops = new Map<ContainerId, Promise<void>>();
  /** Cuts a grace period short. */
  #hurry = new AbortController();
  /** Seconds that somebody has asked for, in place of all others. */
  #asked: number | undefined;

  constructor(options: StopperOptions) {
    this.#options = options;
  }

  /** Grace period in seconds for the stop that comes or runs, instead of the pod's own; 0 kills at once. */
  hurry(grace: number): void {
    this.#asked = grace;
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  /** What was asked for is over. */
  calm(): void {
    this.#asked = undefined;
  }

  /**
   * All containers at once, then the sidecars in reverse order, each when the one after it has ended, all within one
   * grace period; resolves when every end has been recorded.
   */
  async stopAll(record: PodRecord, options: StopOptions = {}): Promise<void> {
    const alive = this.#options.host.state.containers(record.uid).filter(isAlive);
    const all = { ...options, since: performance.now() };
    await allDone(alive.filter((each) => each.kind !== "sidecar").map((each) => this.stop(record, each, all)));
    const sidecars = alive.filter((each) => each.kind === "sidecar").toSorted((a, b) => b.position - a.position);
    if (options.grace === 0) return await allDone(sidecars.map((each) => this.stop(record, each, all)));
    for (const each of sidecars) await this.stop(record, each, all);
  }

  /** Resolves when the container's end has been recorded. */
  async stop(record: PodRecord, container: ContainerRecord, options: StopOptions = {}): Promise<void> {
    if (!("id" in container.state)) return;
    const { id } = container.state;
    const under = this.#stops.get(id) ?? this.#stop(record, container, options).finally(() => this.#stops.delete(id));
    this.#stops.set(id, under);
    await under;
  }

  async #stop(record: PodRecord, container: ContainerRecord, { message, grace, since = performance.now() }: StopOptions): Promise<void> {
    const { host, reporter, onEnding, settle } = this.#options;
    const { name } = container;
    onEnding(name);
    reporter.event({ type: "Normal", reason: "Killing", message: message ?? `Stopping container ${name}`, fieldPath: fieldPathOf(container) });
    reporter.progress("stopping", name);
    const ended = this.#options.ended(name) ?? Promise.resolve();
    const fixed = (): number | undefined => this.#asked ?? (grace === 0 ? 0 : undefined);
    await stopContainer(host, {
      record, container, ended, since,
      grace: () => fixed() ?? grace ?? record.pod.spec.terminationGracePeriodSeconds,
      atLeast: () => (fixed() === undefined ? MINIMUM : 0),
      hurry: () => this.#hurry.signal,
      ...this.#preStop(record, container),
    });
    await ended;
    settle(container);
  }

  #preStop(record: PodRecord, container: ContainerRecord): { readonly preStop?: (signal: AbortSignal) => Promise<void> } {
    const { host, reporter } = this.#options;
    const spec = specOf(record, container);
    const handler = spec.lifecycle?.preStop;
    if (handler === undefined || container.state.status !== "running") return {};
    const { id } = container.state;
    return {
      preStop: async (signal) => {
        const failure = await runHook(host, handler, { record, container: spec, id, signal });
        if (failure === undefined || signal.aborted) return;
        reporter.event({ type: "Warning", reason: "FailedPreStopHook", message: "PreStopHook failed", fieldPath: fieldPathOf(container) });
        reporter.progress(`preStop hook failed: ${failure}`, container.name);
      },
    };
  }
}
