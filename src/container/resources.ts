/** Limits and shares (kubelet `generateLinuxContainerResources`, `ResourceConfigForPod`): quantities → what cgroups understand, fitted to the host. Pure. */
import type { OciResources } from "../runtime/oci.ts";
import type { Container, Pod, ResourceRequirements } from "../spec/spec.ts";
import { amountOf, hugePages, podAmount } from "./amounts.ts";
import type { ConfigInput, HostLimits } from "./container.ts";
import { DEVICE_RULES } from "./defaults.ts";
import { qosOf } from "./qos.ts";
import { effectiveSecurity } from "./security.ts";

/** Microseconds over which a quota is given, and the least quota that the kernel takes. */
const PERIOD = 100_000;
const MIN_QUOTA = 1_000;
const [MIN_SHARES, MAX_SHARES] = [2, 262_144];

export interface FittedResources {
  readonly resources: OciResources;
  readonly warnings: readonly string[];
}

/** A limit whose controller is absent is left out, with a warning. */
export function resourcesOf({ pod, container, host }: Pick<ConfigInput, "pod" | "container" | "host">): FittedResources {
  const privileged = effectiveSecurity(pod, container).privileged === true;
  const resources = {
    devices: privileged ? [{ allow: true, access: "rwm" }] : DEVICE_RULES,
    ...cgroupsOf({
      host,
      shares: sharesOf(amountOf(container, "requests", "cpu")),
      // A container without a limit of its own may have what its pod may.
      cpu: amountOf(container, "limits", "cpu") || podLimit(pod, "cpu"),
      memory: amountOf(container, "limits", "memory") || podLimit(pod, "memory"),
      pages: hugePages(container.resources),
    }),
  };
  return { resources, warnings: missing({ of: `container "${container.name}"`, limits: container.resources.limits, host }) };
}

/** The cgroup that holds all containers of the pod: what they ask for together, and limits where every one of them has one. */
export function podResources(pod: Pod, host: HostLimits): FittedResources {
  const qos = qosOf(pod);
  const containers: readonly Container[] = [...pod.spec.initContainers, ...pod.spec.containers];
  const limitFor = (name: "cpu" | "memory"): number => {
    const declared = podLimit(pod, name) > 0 || containers.every((container) => amountOf(container, "limits", name) > 0);
    return qos !== "BestEffort" && declared ? podAmount(pod, "limits", name) : 0;
  };
  const shares = qos === "BestEffort" ? MIN_SHARES : sharesOf(podAmount(pod, "requests", "cpu"));
  const sizes = [pod.spec, ...containers].flatMap(({ resources }) => (resources === undefined ? [] : [...hugePages(resources).keys()]));
  const pages = new Map(sizes.map((size) => [size, podAmount(pod, "limits", `hugepages-${size}`)]));
  const pids = host.podPidsLimit !== undefined && host.controllers.includes("pids") ? { pids: { limit: host.podPidsLimit } } : {};
  return {
    resources: { ...cgroupsOf({ host, shares, cpu: limitFor("cpu"), memory: limitFor("memory"), pages }), ...pids },
    warnings: missing({ of: "the pod", limits: pod.spec.resources?.limits ?? {}, host }),
  };
}

const podLimit = ({ spec: { resources } }: Pod, name: string): number => (resources === undefined ? 0 : amountOf({ resources }, "limits", name));

/** kubelet `MilliCPUToShares`; nothing asked for is the least share. */
const sharesOf = (milli: number): number => Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milli * 1024) / 1000)));

interface Wanted {
  readonly host: HostLimits;
  readonly shares: number;
  /** Thousandths of a core; 0: no limit. */
  readonly cpu: number;
  /** Bytes; 0: no limit. */
  readonly memory: number;
  /** `2Mi` → bytes. */
  readonly pages: ReadonlyMap<string, number>;
}

/** `swap` counts memory and swap together: equal means no swap, as the kubelet's NoSwap. */
function cgroupsOf({ host, shares, cpu, memory, pages }: Wanted): Omit<OciResources, "devices"> {
  const has = (controller: string): boolean => host.controllers.includes(controller);
  const quota = cpu === 0 ? {} : { quota: Math.max(MIN_QUOTA, Math.floor((cpu * PERIOD) / 1000)), period: PERIOD };
  return {
    ...(has("cpu") ? { cpu: { shares, ...quota } } : {}),
    ...(has("memory") && memory > 0 ? { memory: { limit: memory, ...(host.swapAccounting === true ? { swap: memory } : {}) } } : {}),
    ...(has("hugetlb") && host.hugePageSizes.length > 0 ? { hugepageLimits: host.hugePageSizes.map((size) => ({ pageSize: `${size.slice(0, -1)}B`, limit: pages.get(size) ?? 0 })) } : {}),
  };
}

const CONTROLLERS = { cpu: "cpu", memory: "memory" } as const;

function missing({ of, limits, host }: { readonly of: string; readonly limits: ResourceRequirements["limits"]; readonly host: HostLimits }): readonly string[] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const controller = name === "cpu" || name === "memory" ? CONTROLLERS[name] : name.startsWith("hugepages-") ? "hugetlb" : undefined;
    if (controller === undefined || host.controllers.includes(controller)) return [];
    return [`Cannot limit ${name} of ${of} to "${limit}": this host has no cgroup controller "${controller}"`];
  });
}
