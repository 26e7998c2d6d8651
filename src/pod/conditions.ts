/** The conditions of a pod with the kubelet's reasons and messages (pkg/kubelet/status/generate.go). Pure. */
import type { PodCondition } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { initContainers, isInitialized } from "./decide.ts";
import { closedGates, containerReady, lasting } from "./readiness.ts";

type Found = Omit<PodCondition, "type" | "lastTransitionTime">;

/**
 * The five conditions, in the order of the API, and those that readiness gates wait for. `Ready` is `record.readyAt`;
 * the others follow from the records. A time moves only when the status does.
 */
export function podConditions(record: PodRecord, containers: readonly ContainerRecord[]): readonly PodCondition[] {
  const at = (type: string, found: Found, otherwise: number): PodCondition => ({ type, ...found, lastTransitionTime: changedAt(record, type, { status: found.status, otherwise }) });
  const ended = Math.max(record.createdAt, ...ends(containers));
  const [ready, containersReady] = readyConditions(record, containers);
  const own = Object.entries(record.conditions ?? {}).filter(([type]) => !STANDARD.has(type));
  return [
    ...own.map(([type, { status, since }]): PodCondition => ({ type, status, lastTransitionTime: since })),
    at("PodReadyToStartContainers", { status: record.sandboxAt > 0 ? "True" : "False" }, record.sandboxAt || record.createdAt),
    at("Initialized", initialized(record, containers), record.initializedAt || record.createdAt),
    at("Ready", ready, record.readyAt || ended),
    at("ContainersReady", containersReady, record.readyAt || ended),
    { type: "PodScheduled", status: "True", lastTransitionTime: record.createdAt },
  ];
}

/** Conditions that are worked out here; nobody can set them. */
export const STANDARD: ReadonlySet<string> = new Set(["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]);

function changedAt({ conditions = {} }: PodRecord, type: string, { status, otherwise }: { readonly status: string; readonly otherwise: number }): number {
  const recorded = conditions[type];
  return recorded?.status === status ? recorded.since : otherwise;
}

function initialized(record: PodRecord, containers: readonly ContainerRecord[]): Found {
  const init = initContainers(containers);
  if (record.initializedAt > 0 || init.length === 0) return { status: "True", ...(record.phase === "Succeeded" ? { reason: "PodCompleted" } : {}) };
  const message = `containers with incomplete status: [${names(init.filter((each) => !isInitialized(record, each)))}]`;
  return { status: "False", reason: "ContainersNotInitialized", message };
}

/** Ready, and ContainersReady, which does not ask the gates. */
function readyConditions(record: PodRecord, containers: readonly ContainerRecord[]): readonly [Found, Found] {
  const both = (found: Found): readonly [Found, Found] => [found, found];
  if (record.readyAt > 0) return both({ status: "True" });
  if (record.phase === "Succeeded") return both({ status: "False", reason: "PodCompleted" });
  if (record.phase === "Failed") return both({ status: "False", reason: "PodFailed" });
  const unready = lasting(containers).filter((each) => !containerReady(record, each));
  const gates = closedGates(record);
  if (unready.length === 0 && gates.length > 0) return [{ status: "False", reason: "ReadinessGatesNotReady", message: gates.join(", ") }, { status: "True" }];
  return both({ status: "False", reason: "ContainersNotReady", message: `containers with unready status: [${names(unready.length === 0 ? lasting(containers) : unready)}]` });
}

function ends(containers: readonly ContainerRecord[]): readonly number[] {
  return containers.flatMap(({ state, last }) => [state, last].map((each) => (each?.status === "terminated" ? each.finishedAt : 0)));
}

const names = (containers: readonly ContainerRecord[]): string => containers.map((each) => each.name).join(" ");
