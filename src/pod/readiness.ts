/** Which containers have started and are ready, and when the pod is: from records, and what probes and hooks have found. Pure. */
import type { Container } from "../spec/spec.ts";
import type { ContainerHealth, ContainerRecord, PodRecord } from "../state/state.ts";
import { specOf } from "./image.ts";

/** What is known of the present start of a container. */
export function healthOf({ state, health }: ContainerRecord): ContainerHealth | undefined {
  return "id" in state && health?.id === state.id ? health : undefined;
}

/** It runs, and its postStart hook, if it has one, has succeeded: the kubelet calls it running from then on. */
export const isHooked = (record: PodRecord, container: ContainerRecord): boolean =>
  container.state.status === "running" && (specOf(record, container).lifecycle?.postStart === undefined || healthOf(container)?.hooked === true);

/** It runs, its hook and its startup probe have succeeded: `started` of its status. */
export const isStarted = (record: PodRecord, container: ContainerRecord): boolean =>
  isHooked(record, container) && (specOf(record, container).startupProbe === undefined || healthOf(container)?.started === true);

/** A main container or a sidecar that has started and whose readiness probe succeeds; an init container that has completed. */
export function containerReady(record: PodRecord, container: ContainerRecord): boolean {
  if (container.kind === "init") return container.state.status === "terminated" && container.state.exitCode === 0;
  return isStarted(record, container) && (specOf(record, container).readinessProbe === undefined || healthOf(container)?.ready === true);
}

/** Main containers and sidecars: those that make a pod ready, and that count in the READY column. */
export const lasting = (containers: readonly ContainerRecord[]): readonly ContainerRecord[] => containers.filter((each) => each.kind !== "init");

/** Every container that lasts is ready: condition ContainersReady. */
export const containersReady = (record: PodRecord, containers: readonly ContainerRecord[]): boolean =>
  lasting(containers).every((each) => containerReady(record, each));

/** The kubelet's sentences about readiness gates whose condition is not true. */
export function closedGates({ pod, conditions = {} }: PodRecord): readonly string[] {
  return (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = conditions[conditionType];
    if (found === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return found.status === "True" ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
  });
}

/** Ready: all containers are, and every readiness gate is open. */
export const isReady = (record: PodRecord, containers: readonly ContainerRecord[]): boolean =>
  containersReady(record, containers) && closedGates(record).length === 0;

/** Something other than its start decides whether a container is ready. */
export const isProbed = ({ startupProbe, readinessProbe, lifecycle }: Container): boolean =>
  startupProbe !== undefined || readinessProbe !== undefined || lifecycle?.postStart !== undefined;
