/** `describe pod`, in kubectl's layout. Pure. */
import { requestsOf } from "../../container/amounts.ts";
import { qosOf } from "../../container/qos.ts";
import { podConditions } from "../../pod/conditions.ts";
import { containerReady } from "../../pod/readiness.ts";
import { type Node, podIps, shownState } from "../../pod/status.ts";
import type { Container, ContainerState, PodSpec } from "../../spec/spec.ts";
import type { ContainerRecord, EventRecord, PodRecord } from "../../state/state.ts";
import { block, type Line, line, list, nested, pairs, render, when, words } from "./lines.ts";
import { environment, mounts, volumes } from "./spec.ts";
import { probes } from "./probes.ts";
import { eventLines } from "./events.ts";

export interface PodFacts {
  readonly record: PodRecord;
  readonly containers: readonly ContainerRecord[];
  readonly events: readonly EventRecord[];
  readonly node: Node;
  readonly now: number;
}

/** The whole description. */
export function describePod(facts: PodFacts): string {
  const { record } = facts;
  const { spec } = record.pod;
  return render([
    ...head(facts),
    ...(spec.initContainers.length === 0 ? [] : block("Init Containers", spec.initContainers.flatMap((each) => container(each, facts)))),
    ...block("Containers", spec.containers.flatMap((each) => container(each, facts))),
    ...conditions(facts),
    ...(spec.volumes.length === 0 ? [{ indent: 0, label: "Volumes:", value: "<none>" }] : block("Volumes", spec.volumes.flatMap(volumes))),
    ...tail(record, spec),
    ...eventLines(facts.events, facts.now),
  ]);
}

function head({ record, node }: PodFacts): readonly Line[] {
  const { metadata } = record.pod;
  const ips = podIps(record, node);
  return [
    line("Name", metadata.name),
    line("Namespace", metadata.namespace),
    line("UID", record.uid),
    line("Service", record.service),
    line("Node", `${node.name}/${node.ip}`),
    line("Start Time", when(record.startedAt ?? record.createdAt)),
    ...pairs("Labels", metadata.labels, "="),
    ...pairs("Annotations", metadata.annotations, ": "),
    line("Status", record.wanted === "removed" ? `Terminating (was ${record.phase})` : record.phase),
    ...(record.wanted === "stopped" ? [line("Wanted", "stopped")] : []),
    ...(record.reason === "" ? [] : [line("Reason", record.reason)]),
    ...(record.message === "" ? [] : [line("Message", record.message)]),
    line("IP", ips[0] ?? ""),
    ...(ips.length === 0 ? list("IPs", []) : block("IPs", ips.map((each) => line("IP", each)))),
  ];
}

/** Resources in the order of their names. */
function amounts(label: string, map: Readonly<Record<string, string>>): readonly Line[] {
  const named = Object.entries(map).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return named.length === 0 ? [] : block(label, named.map(([name, amount]) => line(name, amount)));
}

function container(spec: Container, { record, containers }: PodFacts): readonly Line[] {
  const observed = containers.find((each) => each.name === spec.name);
  return block(spec.name, [
    line("Container ID", containerId(observed)),
    line("Image", spec.image),
    line("Image ID", observed?.imageId ?? ""),
    line(spec.ports.length > 1 ? "Ports" : "Port", spec.ports.map((port) => `${port.containerPort}/${port.protocol}`).join(", ") || "<none>"),
    line(spec.ports.length > 1 ? "Host Ports" : "Host Port", spec.ports.map((port) => hostPort(port, record)).join(", ") || "<none>"),
    ...(spec.command === undefined ? [] : block("Command", words(spec.command))),
    ...(spec.args === undefined ? [] : block("Args", words(spec.args))),
    ...(observed === undefined ? [] : life(record, observed)),
    ...amounts("Limits", spec.resources.limits),
    ...amounts("Requests", requestsOf(spec.resources)),
    ...probes(spec),
    ...environment(spec),
    ...mounts(spec),
  ]);
}

function hostPort(port: Container["ports"][number], record: PodRecord): string {
  const number = record.network === "host" ? (port.hostPort ?? port.containerPort) : (port.hostPort ?? 0);
  return `${port.hostIP === undefined ? "" : `${port.hostIP}:`}${number}/${port.protocol}`;
}

function containerId(observed: ContainerRecord | undefined): string {
  if (observed === undefined) return "";
  const id = observed.state.status === "waiting" ? observed.last?.id : observed.state.id;
  return id === undefined ? "" : `wherry://${id}`;
}

function life(record: PodRecord, observed: ContainerRecord): readonly Line[] {
  return [
    ...stateLines("State", shownState(record, observed)),
    ...(observed.last === undefined ? [] : stateLines("Last State", observed.last)),
    line("Ready", containerReady(record, observed) ? "True" : "False"),
    line("Restart Count", `${observed.restarts}`),
    ...(observed.logPath === "" ? [] : [line("Log", observed.logPath)]),
  ];
}

function stateLines(label: string, state: ContainerState): readonly Line[] {
  switch (state.status) {
    case "waiting":
      return [line(label, "Waiting"), ...nested([line("Reason", state.reason), ...message(state.message)])];
    case "creating":
      return [line(label, "Waiting"), ...nested([line("Reason", "ContainerCreating")])];
    case "running":
      return [line(label, "Running"), ...nested([line("Started", when(state.startedAt))])];
    case "terminated":
      return [
        line(label, "Terminated"),
        ...nested([
          line("Reason", state.reason),
          ...message(state.message),
          line("Exit Code", `${state.exitCode}`),
          ...(state.signal === undefined ? [] : [line("Signal", `${state.signal}`)]),
          line("Started", when(state.startedAt)),
          line("Finished", when(state.finishedAt)),
        ]),
      ];
  }
}

const message = (text: string | undefined): readonly Line[] => (text === undefined ? [] : [line("Message", text)]);

function conditions({ record, containers }: PodFacts): readonly Line[] {
  const rows = podConditions(record, containers).map(({ type, status }) => ({ indent: 0, label: type, value: status }));
  const gates = (record.pod.spec.readinessGates ?? []).map(({ conditionType }) => ({ indent: 0, label: conditionType, value: record.conditions?.[conditionType]?.status ?? "<none>" }));
  const gated = gates.length === 0 ? [] : block("Readiness Gates", [{ indent: 0, label: "Type", value: "Status" }, ...gates]);
  return [...gated, ...block("Conditions", [{ indent: 0, label: "Type", value: "Status" }, ...rows])];
}

function tail(record: PodRecord, spec: PodSpec): readonly Line[] {
  return [
    line("QoS Class", qosOf(record.pod)),
    line("Restart Policy", spec.restartPolicy),
    line("Termination Grace Period", `${spec.terminationGracePeriodSeconds}s`),
    line("Network", record.network),
    line("Cgroup", record.cgroup),
  ];
}
