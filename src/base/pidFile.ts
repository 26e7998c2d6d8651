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

/** Ticks between boot and start, field 22 of /proc/PID/stat (proc(5)); undefined when there is no such process, or it waits to be reaped. */
export function startTimeOf(pid: number): number | undefined {
  const stat = readProc(pid, "stat");
  // The command's name, in parentheses, may hold anything; the fields after it start with the third.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" || state === "Z" || state === "X" ? undefined : Number(rest[18]);
}

/** The process that a file names, while it lives. */
export function livingProcess(path: string): number | undefined {
  const [pid = 0, started] = (readIfExists(path) ?? "").trim().split(" ").map(Number);
  return pid > 0 && startTimeOf(pid) === started ? pid : undefined;
}
