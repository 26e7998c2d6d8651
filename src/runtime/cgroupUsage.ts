/** What a cgroup, with all below it, has used and uses now: read from its files (cgroup-v2.rst; cgroup-v1/). */
import { readIfExists } from "../base/files.ts";
import { cgroupHost, type CgroupLayout, directoriesOf } from "./cgroup.ts";
import { processesOf } from "./cgroupProcesses.ts";

/** What the kernel does not account for (its controller is absent) is undefined. */
export interface Usage {
  /** Nanoseconds of processor time since the cgroup was made. */
  readonly cpu: number | undefined;
  /** Bytes in use without what can be given back at once: the kubelet's working set. */
  readonly memory: number | undefined;
  /** Bytes; undefined: none. */
  readonly memoryLimit: number | undefined;
  readonly pids: number;
  /** Bytes from and to block devices. */
  readonly read: number | undefined;
  readonly written: number | undefined;
}

/** Larger numbers mean "no limit" on v1: the largest multiple of a page. */
const UNLIMITED = 2 ** 60;

/** The usage of a cgroup; undefined when it does not exist. */
export function usageOf(path: string, layout: CgroupLayout = cgroupHost()): Usage | undefined {
  const directories = directoriesOf(path, layout);
  const text = (file: string): string | undefined => directories.map((directory) => readIfExists(`${directory}/${file}`)).find((found) => found !== undefined);
  if (text("cgroup.procs") === undefined) return undefined;
  const pids = numberOf(text("pids.current")) ?? processesOf(path, layout).length;
  return { ...(layout.version === "v2" ? ofV2(text) : ofV1(text)), pids };
}

type Files = (file: string) => string | undefined;

function ofV2(text: Files): Omit<Usage, "pids"> {
  const micro = keyOf(text("cpu.stat"), "usage_usec");
  const io = text("io.stat");
  return {
    cpu: micro === undefined ? undefined : micro * 1000,
    memory: workingSet(numberOf(text("memory.current")), keyOf(text("memory.stat"), "inactive_file")),
    memoryLimit: limitOf(text("memory.max")),
    read: io === undefined ? undefined : total(io, /\brbytes=(\d+)/g),
    written: io === undefined ? undefined : total(io, /\bwbytes=(\d+)/g),
  };
}

function ofV1(text: Files): Omit<Usage, "pids"> {
  const io = text("blkio.throttle.io_service_bytes_recursive") ?? text("blkio.throttle.io_service_bytes");
  return {
    cpu: numberOf(text("cpuacct.usage")),
    memory: workingSet(numberOf(text("memory.usage_in_bytes")), keyOf(text("memory.stat"), "total_inactive_file")),
    memoryLimit: limitOf(text("memory.limit_in_bytes")),
    read: io === undefined ? undefined : total(io, / Read (\d+)$/gm),
    written: io === undefined ? undefined : total(io, / Write (\d+)$/gm),
  };
}

const workingSet = (used: number | undefined, inactive: number | undefined): number | undefined => (used === undefined ? undefined : Math.max(0, used - (inactive ?? 0)));
const total = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].reduce((sum, [, amount]) => sum + Number(amount), 0);

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

function limitOf(text: string | undefined): number | undefined {
  const limit = numberOf(text);
  return limit === undefined || limit > UNLIMITED ? undefined : limit;
}

function keyOf(text: string | undefined, key: string): number | undefined {
  const found = new RegExp(`^${key} (\\d+)$`, "m").exec(text ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Bytes received and sent by the network that a process is in, but for its loopback; undefined when it has ended. */
export function networkOf(pid: number): { readonly received: number; readonly sent: number } | undefined {
  const lines = readIfExists(`/proc/${pid}/net/dev`)?.split("\n").slice(2);
  const rows = lines?.map((line) => line.trim().split(/[\s:]+/)).filter(([name = "lo"]) => name !== "" && name !== "lo");
  const sum = (column: number): number => (rows ?? []).reduce((all, row) => all + Number(row[column] ?? 0), 0);
  return rows === undefined ? undefined : { received: sum(1), sent: sum(9) };
}
