/** Files in which a process has recorded itself: pid and start time, which together are no other process's. */
import { readFileSync } from "node:fs";
import { errnoOf } from "./errors.ts";
import { readIfExists } from "./files.ts";

/** A file of /proc/PID. Empty when the process has ended, also while it was being read, and of one that may not be looked into. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (thrown) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errnoOf(thrown) ?? "")) return "";
    throw thrown;
  }
}

/** The fields of /proc/PID/stat (proc(5)) from the third on; none of a process that has gone. */
function statOf(pid: number): readonly string[] {
  const stat = readProc(pid, "stat");
  return stat === "" ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the command's name, in parentheses, may hold anything
}

/** Ticks between boot and start, field 22 of /proc/PID/stat; undefined when there is no such process, or it waits to be reaped. */
export function startTimeOf(pid: number): number | undefined {
  const [state, ...rest] = statOf(pid);
  return state === undefined || state === "Z" || state === "X" ? undefined : Number(rest[18]);
}

/** `PF_EXITING` of the kernel's flags, field 9. */
const EXITING = 0x4;

/** It has gone, or is on its way: the first process of a PID namespace takes that way when all others have gone. */
export function isExiting(pid: number): boolean {
  const [, , , , , , flags] = statOf(pid);
  return flags === undefined || (Number(flags) & EXITING) !== 0;
}

/** The process that a file names, while it lives. */
export function livingProcess(path: string): number | undefined {
  const [pid = 0, started] = (readIfExists(path) ?? "").trim().split(" ").map(Number);
  return pid > 0 && startTimeOf(pid) === started ? pid : undefined;
}
