/** Limits (kubelet `pkg/kubelet/cm/helpers_linux.go`): quantities → what cgroups understand, fitted to the host. */
import { bytesOf, milliCpuOf } from "../spec/spec.ts";
import type { OciResources } from "../runtime/oci.ts";
import type { ConfigInput } from "./container.ts";
import { DEVICE_RULES } from "./defaults.ts";
import { effectiveSecurity } from "./security.ts";

/** Microseconds over which a quota is given, and the least quota that the kernel takes. */
const PERIOD = 100_000;
const MIN_QUOTA = 1_000;
const MIN_SHARES = 2;

export interface FittedResources {
  readonly resources: OciResources;
  readonly warnings: readonly string[];
}

/** A limit whose controller is absent is left out, with a warning. */
export function resourcesOf({ pod, container, host }: Pick<ConfigInput, "pod" | "container" | "host">): FittedResources {
  const { limits } = container.resources;
  const privileged = effectiveSecurity(pod, container).privileged === true;
  const has = (controller: string): boolean => host.controllers.includes(controller);
  const missing = Object.entries(limits).filter(([controller, limit]) => limit !== undefined && !has(controller));
  return {
    resources: {
      devices: privileged ? [{ allow: true, access: "rwm" }] : DEVICE_RULES,
      ...(has("cpu") ? { cpu: cpuOf(limits.cpu) } : {}),
      ...(has("memory") && limits.memory !== undefined ? { memory: memoryOf(limits.memory, host.swapAccounting === true) } : {}),
    },
    warnings: missing.map(
      ([controller, limit]) => `Cannot limit ${controller} of container "${container.name}" to "${limit}": this host has no cgroup controller "${controller}"`,
    ),
  };
}

/** The request, which shares follow, equals the limit when it is not given; without either a container has the least share. */
function cpuOf(limit: string | undefined): NonNullable<OciResources["cpu"]> {
  const milli = limit === undefined ? 0 : milliCpuOf(limit);
  if (milli === 0) return { shares: MIN_SHARES };
  return {
    shares: Math.max(MIN_SHARES, Math.floor((milli * 1024) / 1000)),
    quota: Math.max(MIN_QUOTA, Math.floor((milli * PERIOD) / 1000)),
    period: PERIOD,
  };
}

/** `swap` counts memory and swap together: equal means no swap, as the kubelet's NoSwap. A limit of 0 means none. */
function memoryOf(limit: string, swapAccounting: boolean): NonNullable<OciResources["memory"]> {
  const bytes = bytesOf(limit);
  if (bytes === 0) return {};
  return { limit: bytes, ...(swapAccounting ? { swap: bytes } : {}) };
}
