/** Limits of a cgroup that no OCI runtime makes: the one that holds the containers of a pod. */
import { writeFileSync } from "node:fs";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { cgroupHost, type CgroupLayout, directoriesOf } from "./cgroup.ts";
import { ensureBase } from "./cgroupTree.ts";
import type { OciResources } from "./oci.ts";

type Limits = Omit<OciResources, "devices">;

/** Makes a cgroup in every hierarchy, and gives it limits; files of controllers that are not there are passed over. */
export function limitCgroup(path: string, limits: Limits, layout: CgroupLayout = cgroupHost()): void {
  ensureBase(path, layout);
  const files = layout.version === "v2" ? filesV2(limits) : filesV1(limits);
  for (const directory of directoriesOf(path, layout)) for (const [file, value] of files) write(`${directory}/${file}`, value);
}

function write(file: string, value: string): void {
  try {
    unless("ENOENT", () => writeFileSync(file, value, { flag: "r+" }), undefined);
  } catch (cause) {
    fail("failed", `Cannot write "${value}" to "${file}": ${errnoOf(cause) ?? cause}`, { cause });
  }
}

function filesV1({ cpu, memory, hugepageLimits = [], pids }: Limits): readonly (readonly [string, string])[] {
  return [
    ...(cpu?.shares === undefined ? [] : [["cpu.shares", String(cpu.shares)] as const]),
    ...(cpu?.period === undefined ? [] : [["cpu.cfs_period_us", String(cpu.period)] as const]),
    ...(cpu?.quota === undefined ? [] : [["cpu.cfs_quota_us", String(cpu.quota)] as const]),
    ...(memory?.limit === undefined ? [] : [["memory.limit_in_bytes", String(memory.limit)] as const]),
    ...(memory?.swap === undefined ? [] : [["memory.memsw.limit_in_bytes", String(memory.swap)] as const]),
    ...hugepageLimits.map(({ pageSize, limit }) => [`hugetlb.${pageSize}.limit_in_bytes`, String(limit)] as const),
    ...(pids === undefined ? [] : [["pids.max", String(pids.limit)] as const]),
  ];
}

/** Shares 2 to 262144 are weights 1 to 10000 (crun.1, "cgroup v2"). */
function filesV2({ cpu, memory, hugepageLimits = [], pids }: Limits): readonly (readonly [string, string])[] {
  return [
    ...(cpu?.shares === undefined ? [] : [["cpu.weight", String(1 + Math.floor(((cpu.shares - 2) * 9999) / 262_142))] as const]),
    ...(cpu?.quota === undefined ? [] : [["cpu.max", `${cpu.quota} ${cpu.period ?? 100_000}`] as const]),
    ...(memory?.limit === undefined ? [] : [["memory.max", String(memory.limit)] as const]),
    ...(memory?.swap === undefined || memory.limit === undefined ? [] : [["memory.swap.max", String(memory.swap - memory.limit)] as const]),
    ...hugepageLimits.map(({ pageSize, limit }) => [`hugetlb.${pageSize}.max`, String(limit)] as const),
    ...(pids === undefined ? [] : [["pids.max", String(pids.limit)] as const]),
  ];
}
