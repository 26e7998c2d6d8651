/** What a supervisor costs, as the kernel counts it (proc(5)). */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

/** The pid of the one supervisor in this room. */
export function supervisorPid(): number {
  const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isSupervisor(name)).map(Number);
  const [pid] = found;
  if (pid === undefined || found.length > 1) throw new Error(`There are ${found.length} supervisors, there should be one`);
  return pid;
}

/** Not the monitor, which has the same words among its own. */
function isSupervisor(pid: string): boolean {
  const [, word] = read(`/proc/${pid}/cmdline`).split("\0");
  return word === "supervise";
}

export interface Memory {
  /** MB (10⁶ bytes) that only this process maps: Private_Clean + Private_Dirty. */
  readonly mapped: number;
  /** MB that it has written to: Private_Dirty. The rest is the executable's, which the kernel can drop and read again. */
  readonly written: number;
}

/** Private memory of a process. */
export function privateMemory(pid: number): Memory {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  const [clean, dirty] = ["Private_Clean:", "Private_Dirty:"].map((label) => (numberAfter(rollup, label) * 1024) / 1e6);
  return { mapped: (clean ?? 0) + (dirty ?? 0), written: dirty ?? 0 };
}

export interface Activity {
  /** Percent of one core. */
  readonly cpu: number;
  /** Bytes that went, or will go, to a disk. */
  readonly written: number;
}

/** What a process does in some seconds, in all its threads, also those that end meanwhile. */
export async function activity(pid: number, seconds: number): Promise<Activity> {
  const before = counters(pid);
  await Bun.sleep(seconds * 1000);
  const after = counters(pid);
  return { cpu: (after.nanoseconds - before.nanoseconds) / (seconds * 1e7), written: after.written - before.written };
}

function counters(pid: number): { readonly nanoseconds: number; readonly written: number } {
  return { nanoseconds: processorTime(pid), written: numberAfter(read(`/proc/${pid}/io`), "\nwrite_bytes:") };
}

/** Nanoseconds of the processor that a process has had (clock_getcpuclockid(3)): /proc has it in hundredths of a second only. */
function processorTime(pid: number): number {
  const time = new BigInt64Array(2); // struct timespec
  if (clock_gettime((~pid << 3) | CPUCLOCK_SCHED, ptr(time)) !== 0) throw new Error(`Cannot read the processor time of process ${pid}`);
  const [seconds = 0n, nanoseconds = 0n] = time;
  return Number(seconds * 1_000_000_000n + nanoseconds);
}
const CPUCLOCK_SCHED = 2;
const { clock_gettime } = dlopen("libc.so.6", { clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 } }).symbols;

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function numberAfter(text: string, label: string): number {
  const found = new RegExp(`${label}\\s*(\\d+)`).exec(text)?.[1];
  if (found === undefined) throw new Error(`Cannot read "${label.trim()}": it is not in the file`);
  return Number(found);
}
