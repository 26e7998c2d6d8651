/**
 * Requests and limits of containers and of the pod as a whole, as numbers: thousandths of a core for cpu, bytes for what
 * else there is. Kubernetes' defaults are filled in: a request that is not given is its limit. Pure.
 */
import { bytesOf, type Container, milliCpuOf, type Pod, type ResourceRequirements } from "../spec/spec.ts";

export type Kind = "requests" | "limits";
/** Requests as an API server fills them in: one that is not given is its limit. */
export const requestsOf = ({ limits, requests }: ResourceRequirements): Readonly<Record<string, string>> => ({ ...limits, ...requests });

type Amounts = ReadonlyMap<string, number>;

/** 0 when nothing is given, as in Kubernetes. */
export function amountOf({ resources }: { readonly resources: ResourceRequirements }, kind: Kind, name: string): number {
  const text = kind === "limits" ? resources.limits[name] : (resources.requests?.[name] ?? resources.limits[name]);
  if (text === undefined) return 0;
  return name === "cpu" ? milliCpuOf(text) : bytesOf(text);
}

/**
 * What the pod needs at the most at one time (component-helpers `PodRequests`, `PodLimits`): main containers and sidecars
 * together, or an init container with the sidecars before it; what the pod as a whole says stands before both.
 */
export function podAmount(pod: Pod, kind: Kind, name: string): number {
  const own = podOwn(pod, kind, name);
  return own ?? summed(pod, kind, name);
}

function podOwn(pod: Pod, kind: Kind, name: string): number | undefined {
  const { resources } = pod.spec;
  if (resources === undefined) return undefined;
  const given = kind === "limits" ? resources.limits[name] : resources.requests?.[name];
  if (given !== undefined) return amountOf({ resources }, kind, name);
  // A request that the pod does not give is what its containers ask for, or its limit when they ask for nothing.
  const asked = kind === "requests" && summed(pod, kind, name) === 0 && resources.limits[name] !== undefined;
  return asked ? amountOf({ resources }, kind, name) : undefined;
}

function summed({ spec }: Pod, kind: Kind, name: string): number {
  let sidecars = 0;
  let highest = 0;
  for (const container of spec.initContainers) {
    const amount = amountOf(container, kind, name);
    if (container.restartPolicy === "Always") sidecars += amount;
    highest = Math.max(highest, container.restartPolicy === "Always" ? sidecars : sidecars + amount);
  }
  return Math.max(highest, sidecars + sumOf(spec.containers, kind, name));
}

/** The sum of some containers. */
export const sumOf = (containers: readonly Container[], kind: Kind, name: string): number =>
  containers.reduce((sum, container) => sum + amountOf(container, kind, name), 0);

/** Sizes of huge pages with their amounts, `2Mi` → bytes. */
export function hugePages(resources: ResourceRequirements): Amounts {
  const names = Object.keys(resources.limits).flatMap((name) => /^hugepages-(.+)$/.exec(name)?.[1] ?? []);
  return new Map(names.map((size) => [size, amountOf({ resources }, "limits", `hugepages-${size}`)]));
}
