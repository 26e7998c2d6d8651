/** `describe service`: a played manifest, its service container and its pods. Pure. */
import { CLUSTER } from "../../spec/spec.ts";
import { readyWord, statusWord } from "../../pod/status.ts";
import type { ContainerRecord, EventRecord, ObjectRecord, PodRecord, ServiceRecord, ServiceRun } from "../../state/state.ts";
import { age } from "../age.ts";
import { restartsWord } from "../kinds/pods.ts";
import { columns, table } from "../print.ts";
import { eventLines } from "./events.ts";
import { block, type Line, line, list, render, when } from "./lines.ts";

export interface ServiceFacts {
  readonly name: string;
  /** What was played; undefined when only a service container is left of it. */
  readonly record: ServiceRecord | undefined;
  readonly run: ServiceRun | undefined;
  readonly objects: readonly ObjectRecord[];
  readonly pods: readonly { readonly record: PodRecord; readonly containers: readonly ContainerRecord[] }[];
  readonly events: readonly EventRecord[];
  readonly log: string;
  readonly now: number;
}

/** The whole description. */
export function describeService(facts: ServiceFacts): string {
  const { name, record, run } = facts;
  return render([
    line("Name", name),
    line("State", run?.phase ?? "stopped"),
    ...(run === undefined || run.status === "" ? [] : [line("Status", run.status)]),
    ...(run?.phase === "ended" ? [line("Exit Code", `${run.exitCode}`)] : []),
    ...(record === undefined ? [] : played(record)),
    ...(run === undefined ? [line("Service Container", "<none>")] : serviceContainer(run, facts.log)),
    ...objectLines(facts.objects),
    ...podLines(facts),
    ...eventLines(facts.events, facts.now),
  ]);
}

function played(record: ServiceRecord): readonly Line[] {
  const { exitPolicy, network, publish } = record.options;
  return [
    ...list("Files", record.files),
    line("Revision", `${record.revision}`),
    line("Played", when(record.playedAt)),
    ...block("Options", [line("Exit Policy", exitPolicy), line("Network", network), line("Publish", publish.join(", ") || "<none>")]),
  ];
}

function serviceContainer(run: ServiceRun, log: string): readonly Line[] {
  return block("Service Container", [
    line("Name", `${run.service}-service`),
    line("Container ID", `wherry://${run.id}`),
    line("Monitor PID", run.monitorPid === 0 ? "<none>" : `${run.monitorPid}`),
    line("Started", when(run.startedAt)),
    line("Ready", when(run.readyAt)),
    line("Unit", run.unit || "<none>"),
    line("Cgroup", run.cgroup),
    line("Bundle", run.bundle),
    line("Log", log),
  ]);
}

function objectLines(objects: readonly ObjectRecord[]): readonly Line[] {
  const names = objects.map(({ object }) => `${object.kind} ${object.metadata.namespace === CLUSTER ? "" : `${object.metadata.namespace}/`}${object.metadata.name}`);
  return list("Objects", names);
}

function podLines({ pods, now }: ServiceFacts): readonly Line[] {
  if (pods.length === 0) return [line("Pods", "<none>")];
  const rows = pods.map(({ record, containers }) => {
    const { namespace, name } = record.pod.metadata;
    const cells = [namespace, name, readyWord(record, containers), statusWord(record, containers), restartsWord(record, containers, now), record.ip || "<none>", age(record.createdAt, now)];
    return { name, cells };
  });
  const lines = table({ columns: columns("Namespace,Name,Ready,Status,Restarts,IP,Age"), rows });
  return [{ indent: 0, label: "Pods:" }, ...lines.map((label) => ({ indent: 2, label }))];
}
