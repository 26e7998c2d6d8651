/**
 * The kubelet's restart back-off (pkg/kubelet/kuberuntime `doBackOff`): the first restart is at once, then 10 s
 * doubling to 5 min, counted from the end of the container; forgotten when it ran longer than 10 minutes. Pure.
 */
import type { ContainerRecord } from "../state/state.ts";

export const BACKOFF_INITIAL = 10_000;
export const BACKOFF_MAX = 300_000;
export const BACKOFF_RESET = 600_000;

/** After a failed pull of an image, for one pod (kubelet pkg/kubelet/images): 10 s doubling to 5 min, forgotten when it has come. */
export const pullDelay = (failures: number): number => Math.min(BACKOFF_INITIAL * 2 ** Math.max(0, failures - 1), BACKOFF_MAX);

/** Ends that count, after one more end of a container that ran for `ranFor` ms. */
export const countEnd = (failures: number, ranFor: number): number => (ranFor > BACKOFF_RESET ? 1 : failures + 1);

/** Milliseconds from the end of a container to its restart, when `failures` ends count. */
export const backoffDelay = (failures: number): number =>
  failures <= 1 ? 0 : Math.min(BACKOFF_INITIAL * 2 ** (failures - 2), BACKOFF_MAX);

/** A container that could not be made waits, with the same back-off as one that ended. */
export function refused(container: ContainerRecord, { reason, message }: { readonly reason: string; readonly message: string }, now: number): Partial<ContainerRecord> {
  const failures = container.failures + 1;
  return { failures, state: { status: "waiting", reason, message, until: now + Math.max(1000, backoffDelay(failures)) } };
}

/** Go's form of a duration in whole ms, as the kubelet prints it: `850ms`, `1.234s`, `1m2.5s`; 0 is `0s`. */
export function goDuration(time: number): string {
  const ms = Math.max(0, Math.floor(time));
  if (ms < 1000) return ms === 0 ? "0s" : `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (ms < 60_000) return seconds;
  return `${hours > 0 ? `${hours}h` : ""}${minutes}m${seconds}`;
}
