/** The one line that says how a service is: STATUS= of the unit and the status of `wherry ps`. Pure. */
import { progressOf } from "../pod/decide.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";

export interface PodView {
  readonly record: PodRecord;
  readonly containers: readonly ContainerRecord[];
}

export interface ServiceStatus {
  /** `2/2 pods ready`, `1/2 pods ready, waiting for web (nginx: CrashLoopBackOff)` */
  readonly text: string;
  readonly ready: boolean;
  /** Something is being started or stopped. */
  readonly busy: boolean;
}

export function statusOf(pods: readonly PodView[]): ServiceStatus {
  const counted = pods.filter(({ record }) => record.wanted === "running");
  const done = counted.filter(({ record }) => record.readyAt > 0 || record.phase === "Succeeded");
  const waiting = counted.filter((view) => !done.includes(view));
  const what = waiting.slice(0, 3).map(waitingFor).join(", ") + (waiting.length > 3 ? ` and ${waiting.length - 3} more` : "");
  return {
    text: `${done.length}/${counted.length} pods ready${waiting.length > 0 ? `, waiting for ${what}` : ""}`,
    ready: waiting.length === 0,
    busy: pods.some((view) => view.record.wanted === "removed" || (view.record.wanted === "running" && progressOf(view.record, view.containers).is === "pending")),
  };
}

function waitingFor({ record, containers }: PodView): string {
  const { name } = record.pod.metadata;
  if (record.reason !== "") return `${name} (${record.reason})`;
  if (record.phase === "Failed") return `${name} (Failed)`;
  const stuck = containers.find(({ state }) => state.status === "waiting" || (state.status === "terminated" && state.exitCode !== 0));
  return stuck === undefined || (stuck.state.status !== "waiting" && stuck.state.status !== "terminated") ? name : `${name} (${stuck.name}: ${stuck.state.reason})`;
}
