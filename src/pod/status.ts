/**
 * A pod as the Kubernetes API shows it (core/v1 Pod and PodStatus), and the words of `kubectl get pods`. Pure: from the
 * records of `state/` to plain JSON values; nothing is read and no clock is asked.
 */
import { requestsOf } from "../container/amounts.ts";
import { qosOf } from "../container/qos.ts";
import type { ContainerState, ObjectMeta, PodCondition, Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { podConditions } from "./conditions.ts";
import { initContainers, isInitialized, mainContainers } from "./decide.ts";
import { specOf } from "./image.ts";
import { containerReady, isHooked, isStarted, lasting } from "./readiness.ts";

type Json = Readonly<Record<string, unknown>>;

/** The host that the pods run on, as Kubernetes calls it. */
export interface Node {
  readonly name: string;
  readonly ip: string;
  /** Its address of the other family, when it has one. */
  readonly ip6?: string;
}

/** RFC 3339 in whole seconds, as the Kubernetes API writes times; null for 0 (never). */
export const rfc3339 = (time: number): string | null => (time === 0 ? null : `${new Date(time).toISOString().slice(0, 19)}Z`);

/** The pod as a v1 Pod with status. `now` (ms) stands for the time of a deletion, which no record holds. */
export function podObject(record: PodRecord, containers: readonly ContainerRecord[], options: { readonly now: number; readonly node: Node }): Json {
  const { metadata, spec } = record.pod;
  const deleted = record.wanted === "removed";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...objectMeta(metadata, { uid: record.uid, createdAt: record.createdAt }),
      ...(deleted ? { deletionTimestamp: rfc3339(options.now), deletionGracePeriodSeconds: spec.terminationGracePeriodSeconds } : {}),
    },
    spec: { ...kubernetesForm(spec), nodeName: options.node.name },
    status: podStatus(record, containers, options.node),
  };
}

/** Metadata as the API prints it: empty labels and annotations are left out. */
export function objectMeta(metadata: ObjectMeta, known: { readonly uid?: string; readonly createdAt: number }): Json {
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    ...(known.uid === undefined ? {} : { uid: known.uid }),
    ...(Object.keys(metadata.labels).length === 0 ? {} : { labels: metadata.labels }),
    ...(Object.keys(metadata.annotations).length === 0 ? {} : { annotations: metadata.annotations }),
    creationTimestamp: rfc3339(known.createdAt),
  };
}

/** v1 PodStatus. */
export function podStatus(record: PodRecord, containers: readonly ContainerRecord[], node: Node): Json {
  const ips = podIps(record, node);
  const init = initContainers(containers);
  const status = (each: ContainerRecord): Json => containerStatus(record, each);
  return {
    phase: record.phase,
    ...(record.reason === "" ? {} : { reason: record.reason }),
    ...(record.message === "" ? {} : { message: record.message }),
    conditions: podConditions(record, containers).map(conditionObject),
    hostIP: node.ip,
    hostIPs: nodeIps(node).map((ip) => ({ ip })),
    ...(ips.length === 0 ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: rfc3339(record.startedAt ?? record.createdAt),
    qosClass: qosOf(record.pod),
    ...(init.length === 0 ? {} : { initContainerStatuses: init.map(status) }),
    containerStatuses: mainContainers(containers).map(status),
  };
}

/** The pod's addresses, IPv4 first: the host's own for `hostNetwork`; none without a network. */
export const podIps = (record: PodRecord, node: Node): readonly string[] => (record.network === "host" ? nodeIps(node) : ownIps(record));

/** The first of them; empty when there is none. */
export const podIp = (record: PodRecord, node: Node): string => podIps(record, node)[0] ?? "";

export const nodeIps = ({ ip, ip6 }: Node): readonly string[] => (ip6 === undefined ? [ip] : [ip, ip6]);

/** Those that no other pod has. */
export const ownIps = ({ ip, ip6 }: Pick<PodRecord, "ip" | "ip6">): readonly string[] => [ip, ip6 ?? ""].filter((each) => each !== "");

function conditionObject(condition: PodCondition): Json {
  return { ...condition, lastProbeTime: null, lastTransitionTime: rfc3339(condition.lastTransitionTime) };
}

function containerStatus(record: PodRecord, container: ContainerRecord): Json {
  const { state, last } = container;
  const id = state.status === "waiting" ? last?.id : state.id;
  return {
    name: container.name,
    image: container.image,
    imageID: container.imageId,
    ...(id === undefined ? {} : { containerID: `wherry://${id}` }),
    ready: containerReady(record, container),
    started: isStarted(record, container),
    restartCount: container.restarts,
    state: stateObject(shownState(record, container)),
    lastState: last === undefined ? {} : stateObject(last),
    ...(id === undefined ? {} : asMade(record, container)),
  };
}

/**
 * What is said of a container that has been made: its resources, which do not change while it runs here, and its user.
 * Its stop signal is only said where the manifest names one, since the feature that brings both is off by default.
 */
function asMade(record: PodRecord, container: ContainerRecord): Json {
  const { resources, lifecycle } = specOf(record, container);
  const { limits } = resources;
  const requests = requestsOf(resources);
  const { user, state } = container;
  return {
    ...unlessEmpty("allocatedResources", requests),
    resources: { ...unlessEmpty("limits", limits), ...unlessEmpty("requests", requests) },
    ...(user === undefined || state.status === "creating" ? {} : { user: { linux: user } }),
    ...(lifecycle?.stopSignal === undefined ? {} : { stopSignal: lifecycle.stopSignal }),
  };
}

const unlessEmpty = (name: string, map: Readonly<Record<string, string>>): Json => (Object.keys(map).length === 0 ? {} : { [name]: map });

/** The kubelet shows a container as running when its postStart hook has ended. */
export const shownState = (record: PodRecord, container: ContainerRecord): ContainerState =>
  container.state.status === "running" && !isHooked(record, container) ? { status: "creating", id: container.state.id } : container.state;

/** v1 ContainerState. A container that is being made counts as waiting. */
export function stateObject(state: ContainerState): Json {
  switch (state.status) {
    case "waiting":
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case "creating":
      return { waiting: { reason: "ContainerCreating" } };
    case "running":
      return { running: { startedAt: rfc3339(state.startedAt) } };
    case "terminated":
      return { terminated: terminatedObject(state) };
  }
}

function terminatedObject(state: Terminated): Json {
  return {
    exitCode: state.exitCode,
    ...(state.signal === undefined ? {} : { signal: state.signal }),
    reason: state.reason,
    ...(state.message === undefined ? {} : { message: state.message }),
    startedAt: rfc3339(state.startedAt),
    finishedAt: rfc3339(state.finishedAt),
    containerID: `wherry://${state.id}`,
  };
}

/** kubectl's READY column: `1/2`. Main containers and sidecars; of the main ones none while the pod is initialized. */
export function readyWord(record: PodRecord, containers: readonly ContainerRecord[]): string {
  const counted = lasting(containers).filter((each) => each.kind === "sidecar" || initializing(record, containers) === undefined);
  const sidecars = record.pod.spec.initContainers.filter((each) => each.restartPolicy === "Always").length;
  return `${counted.filter((each) => containerReady(record, each)).length}/${record.pod.spec.containers.length + sidecars}`;
}

/** kubectl's STATUS column (its printPod): the one word that says most about the pod; Podman's for one that nobody has started. */
export function statusWord(record: PodRecord, containers: readonly ContainerRecord[]): string {
  if (record.wanted === "removed" && record.phase !== "Succeeded" && record.phase !== "Failed") return "Terminating";
  if (record.wanted === "stopped" && containers.every(neverStarted)) return "Created";
  const blocking = initializing(record, containers);
  const word = blocking === undefined ? mainWord(record, mainContainers(containers)) : initWord(blocking, record.pod.spec.initContainers.length);
  if (record.reason !== "" && UNINFORMATIVE.test(word)) return record.reason;
  if (word !== "Completed" || !containers.some(running)) return word;
  return record.readyAt > 0 ? "Running" : "NotReady";
}

/** Words that only say that nothing has happened yet; a reason of the pod itself says more. */
const UNINFORMATIVE = /^(Pending|Running|Failed|Unknown|ContainerCreating|PodInitializing|Init:\d+\/\d+)$/;

/** kubectl's RESTARTS column, of init containers or of the others: how often, and when last (ms since the epoch; 0 when that is unknown). */
export function restartsOf(record: PodRecord, containers: readonly ContainerRecord[]): { readonly count: number; readonly lastAt: number } {
  const initialized = initializing(record, containers) === undefined;
  const counted = initialized ? lasting(containers) : initContainers(containers);
  const count = counted.reduce((sum, each) => sum + each.restarts, 0);
  return { count, lastAt: Math.max(0, ...counted.map((each) => each.last?.finishedAt ?? 0)) };
}

/** The init container that holds the pod up, or undefined when initialization is over. */
function initializing(record: PodRecord, containers: readonly ContainerRecord[]): ContainerRecord | undefined {
  if (record.initializedAt > 0) return undefined;
  return initContainers(containers).find((each) => !completed(each.state) && !isInitialized(record, each));
}

function initWord({ state, position }: ContainerRecord, total: number): string {
  if (state.status === "terminated") return `Init:${endWord(state)}`;
  if (state.status === "waiting" && state.reason !== "" && state.reason !== "PodInitializing" && state.reason !== "ContainerCreating") return `Init:${state.reason}`;
  return `Init:${position}/${total}`;
}

/** The reason of the first main container that waits or has ended; else the pod's own word. */
function mainWord(record: PodRecord, main: readonly ContainerRecord[]): string {
  for (const each of main) {
    const state = shownState(record, each);
    if (state.status === "creating") return "ContainerCreating";
    if (state.status === "waiting" && state.reason !== "") return state.reason;
    if (state.status === "terminated") return endWord(state);
  }
  return record.phase;
}

const endWord = (state: Terminated): string => state.reason || (state.signal === undefined ? `ExitCode:${state.exitCode}` : `Signal:${state.signal}`);

const neverStarted = ({ state, last }: ContainerRecord): boolean => state.status === "waiting" && last === undefined;
const completed = (state: ContainerState): boolean => state.status === "terminated" && state.exitCode === 0;
const running = (each: ContainerRecord): boolean => each.kind === "main" && each.state.status === "running";
/**
 * A specification as the API prints it: lists and limits that are empty and flags that are false, which the checked form
 * spells out, are left out. Other empty objects stay (`emptyDir: {}` means something), and `hostUsers`, which is true when
 * it is absent.
 */
export function kubernetesForm(value: object): Json {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => each !== undefined && (each !== false || key === "hostUsers") && !(Array.isArray(each) && each.length === 0) && !(key === "limits" && Object.keys(each).length === 0))
      .map(([key, each]) => [key, printed(each)]),
  );
}

function printed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(printed);
  return typeof value === "object" && value !== null ? kubernetesForm(value) : value;
}
