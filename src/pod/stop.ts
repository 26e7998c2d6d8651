/** Stopping a container as the kubelet does: the stop signal, the grace period, SIGKILL. */
import { bundleDirectory } from "../base/paths.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { releaseContainer } from "./end.ts";
import type { PodHost } from "./pod.ts";
import { stopSignalOf } from "./image.ts";

export interface StopRequest {
  readonly record: PodRecord;
  readonly container: ContainerRecord;
  /** Resolves when the container's end has been recorded. */
  readonly ended: Promise<void>;
  /** Seconds; asked again when `hurry` fires. */
  readonly grace: () => number;
  readonly hurry: () => AbortSignal;
}

/** Time in which a killed container must be gone; after it, its cgroup is killed and everything taken away by force. */
const KILL_DEADLINE = 10_000;
/** The longest time a timer can be set to. */
const TIMER_MAX = 2 ** 31 - 1;

export async function stopContainer(host: PodHost, { record, container, ended, grace, hurry }: StopRequest): Promise<void> {
  if (container.state.status === "creating") return releaseContainer(host, record.uid, container.state.id);
  if (container.state.status !== "running") return;
  const { id } = container.state;
  const since = performance.now(); // a clock that nobody sets
  const left = (): number => grace() * 1000 - (performance.now() - since);
  let asked = grace() > 0 && (await host.runtime.kill(id, stopSignalOf(host, container)));
  while (asked) {
    if (await within(ended, left(), hurry())) return;
    asked = left() > 0;
  }
  await host.runtime.kill(id, "SIGKILL", { all: true });
  if (await within(ended, KILL_DEADLINE, undefined)) return;
  await host.runtime.remove(id, bundleDirectory(host.paths, record.uid, id));
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
