/** Quality of service (kubelet `pkg/kubelet/qos`): who is ended first when the host runs out of memory. */
import { bytesOf, type Container, type Pod } from "../spec/spec.ts";
import type { ConfigInput } from "./container.ts";

export type Qos = "Guaranteed" | "Burstable" | "BestEffort";

/** A request that is not given equals its limit, so limits alone decide. */
export function qosOf({ spec }: Pod): Qos {
  const containers = [...spec.initContainers, ...spec.containers];
  const limited = ({ resources: { limits } }: Container): number => [limits.cpu, limits.memory].filter((limit) => limit !== undefined).length;
  if (containers.every((container) => limited(container) === 2)) return "Guaranteed";
  return containers.every((container) => limited(container) === 0) ? "BestEffort" : "Burstable";
}

/** The larger a container's share of the host's memory, the later it is chosen; between the two other classes. */
export function oomScoreAdj({ pod, container, host }: Pick<ConfigInput, "pod" | "container" | "host">): number {
  const qos = qosOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const { memory } = container.resources.limits;
  if (memory === undefined || host.memory === undefined) return 999;
  const score = 1000 - Math.floor((1000 * bytesOf(memory)) / host.memory);
  return Math.min(Math.max(score, 3), 999);
}
