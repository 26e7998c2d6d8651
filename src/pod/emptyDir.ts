/** emptyDir volumes: which medium, and how large (kubelet pkg/volume/emptydir). Pure. */
import { fail } from "../base/errors.ts";
import { bytesOf, type Container, type EmptyDir, type Pod } from "../spec/spec.ts";

export type Medium = { readonly is: "disk" } | { readonly is: "memory"; readonly size: number } | { readonly is: "hugepages"; readonly pageSize: number; readonly size?: number };

/** What an emptyDir is made of. `memory`: bytes of the host's memory. */
export function mediumOf(emptyDir: EmptyDir, pod: Pod, { memory }: { readonly memory: number }): Medium {
  const { medium = "", sizeLimit } = emptyDir;
  if (medium === "") return { is: "disk" };
  if (medium === "Memory") return { is: "memory", size: memorySize(pod, { sizeLimit, memory }) };
  const size = sizeLimit === undefined || bytesOf(sizeLimit) === 0 ? {} : { size: bytesOf(sizeLimit) };
  return { is: "hugepages", pageSize: medium === "HugePages" ? onlyPageSize(pod) : bytesOf(medium.slice("HugePages-".length)), ...size };
}

/** The least of what the pod may use, the host has, and the volume may hold (`calculateEmptyDirMemorySize`). */
function memorySize(pod: Pod, { sizeLimit, memory }: { readonly sizeLimit: string | undefined; readonly memory: number }): number {
  const limits = pod.spec.containers.map(limitOf);
  const all = pod.spec.resources?.limits["memory"];
  const ofPod = all !== undefined ? bytesOf(all) : limits.every((limit) => limit !== undefined) ? limits.reduce((sum, limit) => sum + limit, 0) : memory;
  const asked = sizeLimit === undefined ? 0 : bytesOf(sizeLimit);
  return Math.min(memory, ofPod, asked > 0 ? asked : memory);
}

const limitOf = ({ resources }: Container): number | undefined => (resources.limits["memory"] === undefined ? undefined : bytesOf(resources.limits["memory"]));

/** Medium `HugePages` is that of the one size of pages that the pod asks for. */
function onlyPageSize(pod: Pod): number {
  const names = [...pod.spec.initContainers, ...pod.spec.containers].flatMap(({ resources }) => Object.keys({ ...resources.limits, ...resources.requests }));
  const sizes = new Set(names.filter((name) => name.startsWith("hugepages-")).map((name) => bytesOf(name.slice("hugepages-".length))));
  const [only] = sizes;
  if (only === undefined || sizes.size > 1) fail("failed", `Cannot make an emptyDir on HugePages: medium HugePages can be used when the pod asks for one size of huge pages, it asks for ${sizes.size}`);
  return only;
}
