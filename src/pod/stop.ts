/** Stopping a container as the kubelet does: preStop hook, stop signal, grace period, SIGKILL (kuberuntime `killContainer`). */
import { bundleDirectory } from "../base/paths.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { releaseContainer } from "./end.ts";
import type { PodHost } from "./pod.ts";
import { specOf, stopSignalOf } from "./image.ts";

export interface StopRequest {
  readonly record: PodRecord;
  readonly container: ContainerRecord;
  /** Resolves when the container's end has been recorded. */
  readonly ended: Promise<void>;
  /** Seconds, from `since` on; asked again when `hurry` fires. */
  readonly grace: () => number;
  /** When the grace period began (`performance.now()`): before the hook, and for a sidecar before the others were stopped. */
  readonly since: number;
  /** Milliseconds that the container has after the hook in any case. */
  readonly atLeast: () => number;
  readonly hurry: () => AbortSignal;
  /** Runs the preStop hook until it has ended, or the signal comes. Never fails. */
  readonly preStop?: (signal: AbortSignal) => Promise<void>;
}

/** Time in which a killed container must be gone; after it, its cgroup is killed and everything taken away by force. */
const KILL_DEADLINE = 10_000;
/** The longest time a timer can be set to. */
const TIMER_MAX = 2 ** 31 - 1;

export async function stopContainer(host: PodHost, request: StopRequest): Promise<void> {
  const { record, container, ended, grace, since, atLeast, hurry } = request;
  if (container.state.status === "creating") return releaseContainer(host, record.uid, container.state.id);
  if (container.state.status !== "running") return;
  const { id } = container.state;
  const over = (): number => since + grace() * 1000;
  if (over() > performance.now()) await runHook(request, over);
  const begun = performance.now(); // a clock that nobody sets
  const left = (): number => Math.max(over(), begun + atLeast()) - performance.now();
  let asked = left() > 0 && (await host.runtime.kill(id, stopSignalOf(host, container, specOf(record, container))));
  while (asked) {
    if (await within(ended, left(), hurry())) return;
    asked = left() > 0;
  }
  await host.runtime.kill(id, "SIGKILL", { all: true });
  if (await within(ended, KILL_DEADLINE, undefined)) return;
  await host.runtime.remove(id, bundleDirectory(host.paths, record.uid, id));
}

/** Until the hook or the container has ended, or the grace period is over. */
async function runHook({ preStop, ended, hurry }: StopRequest, over: () => number): Promise<void> {
  if (preStop === undefined) return;
  const stop = new AbortController();
  const done = Promise.race([preStop(stop.signal), ended]);
  while (over() > performance.now()) if (await within(done, over() - performance.now(), hurry())) break;
  stop.abort();
}

/** True when `ended` resolves within so many ms; false when the time is over or `hurry` aborts first. */
async function within(ended: Promise<void>, time: number, hurry: AbortSignal | undefined): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const stop = (): void => over.resolve(false);
  const timer = setTimeout(stop, Math.min(Math.max(0, time), TIMER_MAX));
  hurry?.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([ended.then(() => true), over.promise]);
  } finally {
    clearTimeout(timer);
    hurry?.removeEventListener("abort", stop);
  }
}
