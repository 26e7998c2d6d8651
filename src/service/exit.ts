/** When a service has ended and with which status: the exit-code policy. Pure. */
import type { Terminated } from "../spec/spec.ts";
import type { ContainerRecord, ExitPolicy, PodRecord } from "../state/state.ts";

/** No pod is or will be running, and none is still being taken away. */
export const allEnded = (pods: readonly PodRecord[]): boolean =>
  pods.every((pod) => pod.sandboxAt === 0 && (pod.wanted === "stopped" || (pod.wanted === "running" && (pod.phase === "Succeeded" || pod.phase === "Failed"))));

/**
 * The status the supervisor, and so conmon and the unit, ends with: `none` is always 0; `any` the status of the first
 * container that failed; `all` the same, but only when every container failed.
 */
export function exitStatus(policy: ExitPolicy, containers: readonly ContainerRecord[]): number {
  const failed = containers.map(endOf).filter((end): end is Terminated => end !== undefined && end.exitCode !== 0);
  const [first] = failed.toSorted((a, b) => a.finishedAt - b.finishedAt);
  if (policy === "none" || first === undefined) return 0;
  const succeeded = containers.some((each) => each.kind === "main" && endOf(each)?.exitCode === 0);
  return policy === "all" && succeeded ? 0 : first.exitCode;
}

const endOf = ({ state, last }: ContainerRecord): Terminated | undefined => (state.status === "terminated" ? state : last);
