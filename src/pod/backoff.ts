/**
 * The kubelet's restart back-off (pkg/kubelet/kuberuntime `doBackOff`): the first restart is at once, then 10 s
 * doubling to 5 min, counted from the end of the container; forgotten when it ran longer than 10 minutes. Pure.
 */
export const BACKOFF_INITIAL = 10_000;
export const BACKOFF_MAX = 300_000;
export const BACKOFF_RESET = 600_000;

/** Ends that count, after one more end of a container that ran for `ranFor` ms. */
export const countEnd = (failures: number, ranFor: number): number => (ranFor > BACKOFF_RESET ? 1 : failures + 1);

/** Milliseconds from the end of a container to its restart, when `failures` ends count. */
export const backoffDelay = (failures: number): number =>
  failures <= 1 ? 0 : Math.min(BACKOFF_INITIAL * 2 ** (failures - 2), BACKOFF_MAX);
