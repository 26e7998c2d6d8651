/** Wanted against recorded against running: what a play does, as a value. Pure. */
import type { ObjectRecord, PodRecord } from "../state/state.ts";
import type { Plan, Step } from "./service.ts";

export interface PlanInput {
  /** Objects of this play. */
  readonly wanted: readonly ObjectRecord[];
  /** Objects of the play before it. */
  readonly recorded: readonly ObjectRecord[];
  /** Pods of the service that exist. */
  readonly pods: readonly PodRecord[];
  /** Remake every pod. */
  readonly replace: boolean;
  /** No supervisor is running: pods that have ended are started again. */
  readonly restart: boolean;
  /** Pods below another cgroup cannot be adopted; empty: wherever they are is right. */
  readonly cgroup: string;
}

export function planService(input: PlanInput): Plan {
  const steps = [...configSteps(input), ...podSteps(input), ...removals(input)];
  return { steps, unchanged: steps.every((step) => step.verb === "unchanged") };
}

const keyOf = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;
const objectKey = ({ object }: Pick<ObjectRecord, "object">): string => keyOf(object.kind, object.metadata.namespace, object.metadata.name);

function stepOf(record: ObjectRecord, rest: Pick<Step, "verb" | "why"> & { readonly pod?: PodRecord }): Step {
  const { kind, metadata } = record.object;
  return { kind, namespace: metadata.namespace, name: metadata.name, wanted: record, ...rest };
}

function configSteps({ wanted, recorded }: PlanInput): Step[] {
  const before = new Map(recorded.map((each) => [objectKey(each), each.hash]));
  return wanted.filter(({ object }) => object.kind !== "Pod").map((each) => {
    const hash = before.get(objectKey(each));
    if (hash === undefined) return stepOf(each, { verb: "create", why: "" });
    return stepOf(each, hash === each.hash ? { verb: "unchanged", why: "" } : { verb: "configure", why: "it changed" });
  });
}

function podSteps(input: PlanInput): Step[] {
  return input.wanted.filter(({ object }) => object.kind === "Pod").map((each) => {
    const pod = input.pods.find(({ pod: { metadata } }) => metadata.namespace === each.object.metadata.namespace && metadata.name === each.object.metadata.name);
    return pod === undefined ? stepOf(each, { verb: "create", why: "" }) : stepOf(each, { ...podVerb(each, pod, input), pod });
  });
}

function podVerb(wanted: ObjectRecord, pod: PodRecord, input: PlanInput): Pick<Step, "verb" | "why"> {
  if (pod.wanted === "removed") return { verb: "replace", why: "its removal was interrupted" };
  if (input.replace) return { verb: "replace", why: "asked by --replace" };
  if (pod.hash !== wanted.hash) return { verb: "replace", why: "the pod or its configuration changed" };
  if (input.cgroup !== "" && !pod.cgroup.startsWith(`${input.cgroup}/`)) return { verb: "replace", why: "it runs outside the unit" };
  if (pod.wanted === "stopped") return { verb: "start", why: "it was stopped" };
  if (input.restart && (pod.phase === "Succeeded" || pod.phase === "Failed")) return { verb: "start", why: "it had ended" };
  return { verb: "unchanged", why: "" };
}

/** Pods are looked at by themselves; volumes stay. */
const LASTING: ReadonlySet<string> = new Set(["Pod", "PersistentVolumeClaim", "PersistentVolume"]);

/** Pods and objects that have left the manifest; volumes are never among them. */
function removals({ wanted, recorded, pods }: PlanInput): Step[] {
  const kept = new Set(wanted.map(objectKey));
  const why = "not in the manifest any more";
  const gonePods = pods
    .filter(({ pod }) => !kept.has(objectKey({ object: pod })))
    .map((pod): Step => ({ verb: "remove", kind: "Pod", namespace: pod.pod.metadata.namespace, name: pod.pod.metadata.name, why, pod }));
  const goneObjects = recorded
    .filter((each) => !LASTING.has(each.object.kind) && !kept.has(objectKey(each)))
    .map(({ object }): Step => ({ verb: "remove", kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name, why }));
  return [...gonePods, ...goneObjects];
}
