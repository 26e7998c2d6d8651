/**
 * What is to be done next for a pod: the kubelet's `computePodActions`, as a pure function of the recorded state and
 * the clock. Nothing here waits or acts.
 */
import type { PodPhase, RestartPolicy, Terminated, ContainerState } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { backoffDelay, countEnd } from "./backoff.ts";

/** The next step of a pod. `wakeAt`: when a back-off ends and the pod must be looked at again. */
export type Decision =
  | { readonly do: "sandbox" }
  | { readonly do: "start"; readonly containers: readonly ContainerRecord[] }
  /** Running, or waiting for an exit or a back-off. */
  | { readonly do: "nothing"; readonly wakeAt?: number }
  /** All containers have ended for good; the sandbox can go. */
  | { readonly do: "finish"; readonly phase: "Succeeded" | "Failed" }
  | { readonly do: "stop" }
  | { readonly do: "remove" };

/** The time, and the containers that wait for their image: they are not started before it has come. */
export interface Present {
  readonly now: number;
  readonly held?: ReadonlySet<string>;
}

export function decide(record: PodRecord, containers: readonly ContainerRecord[], { now, held = NONE }: Present): Decision {
  if (record.wanted === "removed") return { do: "remove" };
  if (record.wanted === "stopped") return record.sandboxAt > 0 || containers.some(isAlive) ? { do: "stop" } : { do: "nothing" };
  if (record.phase === "Failed" && record.reason !== "" && record.sandboxAt === 0) return { do: "nothing" }; // rejected
  const ended = finalPhase(record.pod.spec.restartPolicy, containers);
  if (ended !== undefined) return record.sandboxAt > 0 || record.phase !== ended ? { do: "finish", phase: ended } : { do: "nothing" };
  if (record.sandboxAt === 0) return sandboxDue(record, containers, now);
  return startDue(nextToRun(containers).filter(({ name }) => !held.has(name)), now);
}

const NONE: ReadonlySet<string> = new Set();

/** The pod shall run and has not ended. */
export const isActive = (record: PodRecord, containers: readonly ContainerRecord[]): boolean =>
  record.wanted === "running" && finalPhase(record.pod.spec.restartPolicy, containers) === undefined;

/** After a failed sandbox every container carries the back-off, until when it is not tried again. Other back-offs are no reason to wait with it. */
function sandboxDue(record: PodRecord, containers: readonly ContainerRecord[], now: number): Decision {
  if (record.reason === "") return { do: "sandbox" };
  const until = Math.max(0, ...containers.map((each) => (each.state.status === "waiting" ? (each.state.until ?? 0) : 0)));
  return until > now ? { do: "nothing", wakeAt: until } : { do: "sandbox" };
}

/** Init containers one after the other; when all have completed, all main containers. */
export function nextToRun(containers: readonly ContainerRecord[]): readonly ContainerRecord[] {
  const init = initContainers(containers).find((each) => !completed(each));
  return init === undefined ? mainContainers(containers) : [init];
}

function startDue(candidates: readonly ContainerRecord[], now: number): Decision {
  const due: ContainerRecord[] = [];
  const later: number[] = [];
  for (const each of candidates) {
    if (each.state.status !== "waiting") continue;
    if (each.state.until === undefined || each.state.until <= now) due.push(each);
    else later.push(each.state.until);
  }
  if (due.length > 0) return { do: "start", containers: due };
  return later.length > 0 ? { do: "nothing", wakeAt: Math.min(...later) } : { do: "nothing" };
}

/** The phase a pod has ended in, or undefined while it goes on (kubelet `getPhase`). A state `terminated` is final. */
function finalPhase(policy: RestartPolicy, containers: readonly ContainerRecord[]): "Succeeded" | "Failed" | undefined {
  if (initContainers(containers).some((each) => each.state.status === "terminated" && each.state.exitCode !== 0)) return "Failed";
  const main = mainContainers(containers);
  if (policy === "Always" && main.some((each) => each.state.status !== "terminated")) return undefined;
  if (!main.every((each) => each.state.status === "terminated")) return undefined;
  return main.every((each) => each.state.status === "terminated" && each.state.exitCode === 0) ? "Succeeded" : "Failed";
}

/** The phase of a pod that has not ended: Pending until every main container has been started once. */
export function livePhase(containers: readonly ContainerRecord[]): PodPhase {
  const started = (each: ContainerRecord): boolean =>
    each.state.status === "running" || each.state.status === "terminated" || each.last !== undefined;
  return mainContainers(containers).every(started) ? "Running" : "Pending";
}

/**
 * The state and counters after a container ended: terminated for good, or waiting for its restart. Kubelet's
 * `ShouldContainerBeRestarted`: an init container that succeeded is not run again; one that failed is, unless Never.
 */
export function afterEnd(
  container: Pick<ContainerRecord, "kind" | "failures" | "restarts" | "name">,
  end: Terminated,
  options: { readonly policy: RestartPolicy; readonly stopping: boolean },
): { readonly state: ContainerState; readonly failures: number; readonly last?: Terminated } {
  const failures = countEnd(container.failures, end.startedAt === 0 ? 0 : end.finishedAt - end.startedAt);
  if (options.stopping || !restarts(container.kind, end.exitCode, options.policy)) return { state: end, failures };
  return { state: backoffState(failures, end), failures, last: end };
}

function restarts(kind: ContainerRecord["kind"], exitCode: number, policy: RestartPolicy): boolean {
  if (policy === "Never") return false;
  if (policy === "OnFailure" || kind === "init") return exitCode !== 0;
  return true;
}

function backoffState(failures: number, end: Terminated): ContainerState {
  const delay = backoffDelay(failures);
  if (delay === 0) return { status: "waiting", reason: end.reason === "StartError" ? "RunContainerError" : end.reason, ...(end.message === undefined ? {} : { message: end.message }) };
  return { status: "waiting", reason: "CrashLoopBackOff", message: `back-off ${backoffText(delay)} restarting failed container`, until: end.finishedAt + delay };
}

/** Go's duration form, as the kubelet prints it: `10s`, `1m20s`, `5m0s`. */
export function backoffText(delay: number): string {
  const seconds = Math.round(delay / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

export const initContainers = (containers: readonly ContainerRecord[]): readonly ContainerRecord[] =>
  containers.filter((each) => each.kind === "init").sort((a, b) => a.position - b.position);
export const mainContainers = (containers: readonly ContainerRecord[]): readonly ContainerRecord[] =>
  containers.filter((each) => each.kind === "main").sort((a, b) => a.position - b.position);
export const isAlive = (container: ContainerRecord): boolean =>
  container.state.status === "running" || container.state.status === "creating";
const completed = (container: ContainerRecord): boolean =>
  container.state.status === "terminated" && container.state.exitCode === 0;
