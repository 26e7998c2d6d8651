/**
 * What is to be done next for a pod: the kubelet's `computePodActions`, as a pure function of the recorded state and
 * the clock. Nothing here waits or acts.
 */
import type { PodPhase, RestartPolicy, RestartRule, Terminated, ContainerState } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { backoffDelay, countEnd } from "./backoff.ts";
import { specOf } from "./image.ts";
import { isHooked, isStarted } from "./readiness.ts";

/** The next step of a pod. `wakeAt`: when a back-off ends and the pod must be looked at again. */
export type Decision =
  | { readonly do: "sandbox" }
  | { readonly do: "start"; readonly containers: readonly ContainerRecord[] }
  /** Running, or waiting for an exit or a back-off. */
  | { readonly do: "nothing"; readonly wakeAt?: number }
  /** All main containers have ended for good, or the pod has failed; sidecars and the sandbox can go. */
  | { readonly do: "finish"; readonly phase: "Succeeded" | "Failed" }
  /** Its activeDeadlineSeconds are over. */
  | { readonly do: "expire" }
  /** A container's end asks for all containers to begin anew. */
  | { readonly do: "restartAll" }
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
  const ended = finalPhase(record, containers);
  if (ended !== undefined) return record.sandboxAt > 0 || record.phase !== ended ? { do: "finish", phase: ended } : { do: "nothing" };
  const deadline = deadlineOf(record);
  if (deadline !== undefined && deadline <= now) return { do: "expire" };
  if (record.reason === RESTARTING_ALL) return { do: "restartAll" };
  const due = record.sandboxAt === 0 ? sandboxDue(record, containers, now) : startDue(nextToRun(record, containers).filter(({ name }) => !held.has(name)), now);
  return due.do === "nothing" && deadline !== undefined ? { do: "nothing", wakeAt: Math.min(deadline, due.wakeAt ?? Infinity) } : due;
}

/** Reason of a pod whose containers are all being ended, to begin anew. */
export const RESTARTING_ALL = "RestartAllContainers";
/** Reason and message of a pod that has run for too long (kubelet pkg/kubelet/active_deadline.go). */
export const EXPIRED = { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" };

/** The pod has failed as a whole, for the reason that is recorded: none of its containers is started again. */
export const isCondemned = (record: PodRecord): boolean => record.reason === EXPIRED.reason;

/** When the pod must have ended (ms), counted from when it was asked to run. */
function deadlineOf({ pod, createdAt, startedAt = createdAt }: PodRecord): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined ? undefined : startedAt + seconds * 1000;
}

const NONE: ReadonlySet<string> = new Set();

/** The pod shall run and has not ended. */
export const isActive = (record: PodRecord, containers: readonly ContainerRecord[]): boolean =>
  record.wanted === "running" && finalPhase(record, containers) === undefined;

/** After a failed sandbox every container carries the back-off, until when it is not tried again. Other back-offs are no reason to wait with it. */
function sandboxDue(record: PodRecord, containers: readonly ContainerRecord[], now: number): Decision {
  if (record.reason === "") return { do: "sandbox" };
  const until = Math.max(0, ...containers.map((each) => (each.state.status === "waiting" ? (each.state.until ?? 0) : 0)));
  return until > now ? { do: "nothing", wakeAt: until } : { do: "sandbox" };
}

/**
 * Init containers one after the other, each when those before it have completed, sidecars when they have started; when
 * all have, all main containers, each when the postStart hooks of those before it have succeeded. Sidecars are started
 * again at any time, and hold nothing up once the pod is initialized.
 */
export function nextToRun(record: PodRecord, containers: readonly ContainerRecord[]): readonly ContainerRecord[] {
  const first = initContainers(containers);
  if (record.initializedAt > 0) return [...first.filter((each) => each.kind === "sidecar"), ...untilHook(record, mainContainers(containers))];
  const blocking = first.findIndex((each) => !isInitialized(record, each));
  if (blocking < 0) return [...first.filter((each) => each.kind === "sidecar"), ...untilHook(record, mainContainers(containers))];
  return first.slice(0, blocking + 1).filter((each, index) => each.kind === "sidecar" || index === blocking);
}

/** It holds the next one up no longer. */
export const isInitialized = (record: PodRecord, container: ContainerRecord): boolean =>
  container.kind === "sidecar" ? isStarted(record, container) : completed(container);

/** Containers up to the first whose postStart hook has not ended: the kubelet starts none after it before. */
function untilHook(record: PodRecord, containers: readonly ContainerRecord[]): readonly ContainerRecord[] {
  const hooking = containers.findIndex((each) => each.state.status !== "terminated" && specOf(record, each).lifecycle?.postStart !== undefined && !isHooked(record, each));
  return hooking < 0 ? containers : containers.slice(0, hooking + 1);
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

/** The phase a pod has ended in, or undefined while it goes on (kubelet `getPhase`). A state `terminated` is final; sidecars do not count. */
function finalPhase(record: PodRecord, containers: readonly ContainerRecord[]): "Succeeded" | "Failed" | undefined {
  if (isCondemned(record)) return "Failed";
  if (containers.some((each) => each.kind === "init" && each.state.status === "terminated" && each.state.exitCode !== 0)) return "Failed";
  const main = mainContainers(containers);
  if (!main.every((each) => each.state.status === "terminated")) return undefined;
  return main.every((each) => each.state.status === "terminated" && each.state.exitCode === 0) ? "Succeeded" : "Failed";
}

/** The phase of a pod that has not ended: Pending until every main container has been started once. */
export function livePhase(containers: readonly ContainerRecord[]): PodPhase {
  const started = (each: ContainerRecord): boolean =>
    each.state.status === "running" || each.state.status === "terminated" || each.last !== undefined;
  return mainContainers(containers).every(started) ? "Running" : "Pending";
}

/** What decides whether a container that has ended is started again. */
export interface RestartOptions {
  /** The container's own, else the pod's. */
  readonly policy: RestartPolicy;
  readonly rules?: readonly RestartRule[];
  readonly stopping: boolean;
  /** It was ended because its postStart hook failed with this. */
  readonly hookError?: string | undefined;
}

/**
 * The state and counters after a container ended: terminated for good, or waiting for its restart. Kubelet's
 * `ShouldContainerBeRestarted`: an init container that succeeded is not run again; one that failed is, unless Never. A
 * sidecar always is. Rules about exit codes come first.
 */
export function afterEnd(
  container: Pick<ContainerRecord, "kind" | "failures" | "restarts" | "name">,
  end: Terminated,
  { policy, rules = [], stopping, hookError }: RestartOptions,
): { readonly state: ContainerState; readonly failures: number; readonly last?: Terminated } {
  const failures = countEnd(container.failures, end.startedAt === 0 ? 0 : end.finishedAt - end.startedAt);
  const again = matchingRule(rules, end.exitCode) !== undefined || restarts(container.kind, end.exitCode, policy);
  if (stopping || !again) return { state: end, failures };
  return { state: backoffState(failures, end, hookError), failures, last: end };
}

/** The first rule that an exit code meets. */
export const matchingRule = (rules: readonly RestartRule[], exitCode: number): RestartRule | undefined =>
  rules.find(({ exitCodes: { operator, values } }) => values.includes(exitCode) === (operator === "In"));

function restarts(kind: ContainerRecord["kind"], exitCode: number, policy: RestartPolicy): boolean {
  if (kind === "sidecar") return true;
  if (policy === "Never") return false;
  if (policy === "OnFailure" || kind === "init") return exitCode !== 0;
  return true;
}

/** Reason of a container that was ended because its postStart hook failed, until its back-off is shown. */
export const HOOK_FAILED = "PostStartHookError";

function backoffState(failures: number, end: Terminated, hookError: string | undefined): ContainerState {
  const delay = backoffDelay(failures);
  const until = end.finishedAt + delay;
  if (hookError !== undefined) return { status: "waiting", reason: HOOK_FAILED, message: hookError, ...(delay === 0 ? {} : { until }) };
  if (delay === 0) return { status: "waiting", reason: end.reason === "StartError" ? "RunContainerError" : end.reason, ...(end.message === undefined ? {} : { message: end.message }) };
  return crashLoop(delay, until);
}

/** The state of a container whose restart waits for the end of its back-off of so many ms. */
export const crashLoop = (delay: number, until: number): ContainerState =>
  ({ status: "waiting", reason: "CrashLoopBackOff", message: `back-off ${backoffText(delay)} restarting failed container`, until });

/** Go's duration form, as the kubelet prints it: `10s`, `1m20s`, `5m0s`. */
export function backoffText(delay: number): string {
  const seconds = Math.round(delay / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** Init containers and sidecars, in their order. */
export const initContainers = (containers: readonly ContainerRecord[]): readonly ContainerRecord[] =>
  containers.filter((each) => each.kind !== "main").sort((a, b) => a.position - b.position);
export const mainContainers = (containers: readonly ContainerRecord[]): readonly ContainerRecord[] =>
  containers.filter((each) => each.kind === "main").sort((a, b) => a.position - b.position);
export const isAlive = (container: ContainerRecord): boolean =>
  container.state.status === "running" || container.state.status === "creating";
const completed = (container: ContainerRecord): boolean =>
  container.state.status === "terminated" && container.state.exitCode === 0;

/** The earliest of times to look again, if there is one. */
export function earliest(...times: readonly (number | undefined)[]): { readonly wakeAt?: number } {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? {} : { wakeAt: Math.min(...given) };
}
