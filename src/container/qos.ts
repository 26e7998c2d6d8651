/** Quality of service (kubelet `pkg/kubelet/qos`): who is ended first when the host runs out of memory. */
import type { Container, Pod } from "../spec/spec.ts";
import { amountOf, podAmount, sumOf } from "./amounts.ts";
import type { ConfigInput } from "./container.ts";

export type Qos = "Guaranteed" | "Burstable" | "BestEffort";

const COUNTED = ["cpu", "memory"] as const;

/** kubelet `ComputePodQOS`: by cpu and memory alone, of the pod as a whole where it says something, else of all its containers. */
export function qosOf({ spec }: Pod): Qos {
  const { resources } = spec;
  const whole = resources !== undefined && COUNTED.some((name) => resources.limits[name] !== undefined || resources.requests?.[name] !== undefined);
  const counted = whole ? [{ resources }] : [...spec.initContainers, ...spec.containers];
  const amounts = counted.flatMap((each) => COUNTED.map((name) => ({ request: amountOf(each, "requests", name), limit: amountOf(each, "limits", name) })));
  if (amounts.every(({ request, limit }) => request === 0 && limit === 0)) return "BestEffort";
  return amounts.every(({ request, limit }) => limit > 0 && request === limit) ? "Guaranteed" : "Burstable";
}

const GUARANTEED = -997;
const BEST_EFFORT = 1000;

/**
 * The larger a container's share of the host's memory, the later it is chosen; between the two other classes. What the
 * pod as a whole asks for beyond its containers is spread over them; a sidecar lives as long as the least of the others.
 */
export function oomScoreAdj({ pod, container, host }: Pick<ConfigInput, "pod" | "container" | "host">): number {
  const qos = qosOf(pod);
  if (qos === "Guaranteed") return GUARANTEED;
  if (qos === "BestEffort") return BEST_EFFORT;
  const { memory } = host;
  if (memory === undefined) return BEST_EFFORT - 1;
  const extra = spread(pod);
  const score = (request: number): number => BEST_EFFORT - Math.trunc((1000 * (request + extra)) / memory);
  const own = score(amountOf(container, "requests", "memory"));
  const least = score(Math.min(...pod.spec.containers.map((each) => amountOf(each, "requests", "memory"))));
  const sidecar = container.restartPolicy === "Always" && pod.spec.initContainers.some(({ name }) => name === container.name);
  return Math.min(Math.max(sidecar ? Math.min(own, least) : own, BEST_EFFORT + GUARANTEED), BEST_EFFORT - 1);
}

/** Bytes for each container that runs on. */
function spread(pod: Pod): number {
  if (pod.spec.resources === undefined) return 0;
  const running: readonly Container[] = [...pod.spec.containers, ...pod.spec.initContainers.filter(({ restartPolicy }) => restartPolicy === "Always")];
  return Math.max(0, Math.trunc((podAmount(pod, "requests", "memory") - sumOf(running, "requests", "memory")) / running.length));
}
