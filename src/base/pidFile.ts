/** Files in which a process has recorded itself: pid and start time, which together are no other process's. */
import { readIfExists } from "./files.ts";

/** Field 22 of /proc/PID/stat (proc(5)); undefined when there is no such process, or it waits to be reaped. */
export function startTimeOf(pid: number): number | undefined {
  const stat = readIfExists(`/proc/${pid}/stat`) ?? "";
  const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" || state === "Z" || state === "X" ? undefined : Number(rest[18]);
}

/** The process that a file names, while it lives. */
export function livingProcess(path: string): number | undefined {
  const [pid = 0, started] = (readIfExists(path) ?? "").trim().split(" ").map(Number);
  return pid > 0 && startTimeOf(pid) === started ? pid : undefined;
}
