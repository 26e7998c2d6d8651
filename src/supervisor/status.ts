/** The one line that says how a service is: STATUS= of the unit and the status of `wherry ps`. Pure. */
import { isOpen, progressOf } from "../pod/progress.ts";
import { containerReady, healthOf, lasting } from "../pod/readiness.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";

export interface PodView {
  readonly record: PodRecord;
  readonly containers: readonly ContainerRecord[];
  /** Containers that wait for their image, and what is said of it: `pulling 45%`. */
  readonly pulling: ReadonlyMap<string, string>;
}

export interface ServiceStatus {
  /** `2/2 pods ready`, `1/2 pods ready, waiting for web (nginx: CrashLoopBackOff)` */
  readonly text: string;
  readonly ready: boolean;
  /** Something is being started or stopped. */
  readonly busy: boolean;
}

/** `patient`: the service is a unit's, which waits for registries that cannot be reached. */
export function statusOf(pods: readonly PodView[], { patient }: { readonly patient: boolean }): ServiceStatus {
  const counted = pods.filter(({ record }) => record.wanted === "running");
  const done = counted.filter(({ record }) => record.readyAt > 0 || record.phase === "Succeeded");
  const waiting = counted.filter((view) => !done.includes(view));
  const what = waiting.slice(0, 3).map(waitingFor).join(", ") + (waiting.length > 3 ? ` and ${waiting.length - 3} more` : "");
  return {
    text: `${done.length}/${counted.length} pods ready${waiting.length > 0 ? `, waiting for ${what}` : ""}`,
    ready: waiting.length === 0,
    busy: pods.some((view) => view.record.wanted === "removed" || (view.record.wanted === "running" && isPending(view, patient))),
  };
}

const isPending = ({ record, containers, pulling }: PodView, patient: boolean): boolean =>
  isOpen(progressOf(record, containers, { held: new Set(pulling.keys()), patient }), patient);

/** The pod, and what of it is waited for. */
export function waitingFor({ record, containers, pulling }: PodView): string {
  const { name } = record.pod.metadata;
  if (record.reason !== "") return `${name} (${record.reason})`;
  if (record.phase === "Failed") return `${name} (Failed)`;
  const [pulled] = pulling;
  if (pulled !== undefined) return `${name} (${pulled[0]}: ${pulled[1]})`;
  const unready = lasting(containers).find((each) => each.state.status === "running" && !containerReady(record, each));
  const why = unready === undefined ? undefined : healthOf(unready)?.why;
  const stuck = containers.find(({ state }) => state.status === "waiting" || (state.status === "terminated" && state.exitCode !== 0));
  if (stuck !== undefined && "reason" in stuck.state) return `${name} (${stuck.name}: ${stuck.state.reason})`;
  if (unready !== undefined) return why === undefined ? `${name} (${unready.name})` : `${name} (${unready.name}: ${why})`;
  const gates = (record.pod.spec.readinessGates ?? []).filter(({ conditionType }) => record.conditions?.[conditionType]?.status !== "True");
  return gates.length === 0 ? name : `${name} (readiness gate ${gates.map(({ conditionType }) => conditionType).join(", ")})`;
}
