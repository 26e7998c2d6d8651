/** What runs in a cgroup: which processes, ending them, and whether the kernel ended one for want of memory. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import type { Signal } from "../spec/signals.ts";
import { cgroupHost, type CgroupLayout, directoriesOf, words } from "./cgroup.ts";
import { signalProcess } from "./process.ts";

/** Host pids of all processes in a cgroup and below it; on v1 of every hierarchy. Empty when it does not exist. */
export function processesOf(path: string, layout: CgroupLayout = cgroupHost()): readonly number[] {
  return [...new Set(directoriesOf(path, layout).flatMap(processesBelow))];
}

/** Sends a signal to every process of a cgroup. True when at least one got it. */
export function signalCgroup(path: string, signal: Signal, layout: CgroupLayout = cgroupHost()): boolean {
  return processesOf(path, layout)
    .map((pid) => signalProcess(pid, signal, () => isIn(pid, path)))
    .includes(true);
}

/**
 * Ends every process of a cgroup with SIGKILL and returns when it is empty. Kind `conflict` when this process itself is
 * in it, `failed` when processes are left after about two seconds (they hang in the kernel).
 *
 * A process may fork between reading the list and killing, so the list is read and killed again until it stays empty.
 * Nothing tells when a process that is not our child has ended, therefore the growing pauses.
 */
export async function killCgroup(path: string, layout: CgroupLayout = cgroupHost()): Promise<void> {
  for (let pause = 1; pause <= 1024; pause *= 2) {
    if (killRound(path, layout)) return;
    await Bun.sleep(pause);
  }
  const left = processesOf(path, layout);
  if (left.length > 0) fail("failed", `Cannot kill cgroup "${path}": processes ${left.join(", ")} do not end`);
}

/** One round of `killCgroup`; v2 does it at once (`cgroup.kill`, Linux 5.14). True when nothing was there to kill. */
export function killRound(path: string, layout: CgroupLayout = cgroupHost()): boolean {
  const pids = processesOf(path, layout);
  if (pids.length === 0) return true;
  if (pids.includes(process.pid)) fail("conflict", `Cannot kill cgroup "${path}": this process is in it`);
  if (!killAtOnce(path, layout)) {
    signalCgroup(path, "SIGKILL", layout);
    thaw(path, layout);
  }
  return false;
}

/**
 * How often the kernel's out-of-memory killer ended a process of the cgroup: `oom_kill` of `memory.events` (v2) or
 * `memory.oom_control` (v1, Linux 4.13). 0 when the cgroup or the memory controller is absent.
 */
export function oomKills(path: string, layout: CgroupLayout = cgroupHost()): number {
  const file = layout.version === "v2" ? "memory.events" : "memory.oom_control";
  const counts = directoriesOf(path, layout).map((directory) => /^oom_kill (\d+)$/m.exec(readIfExists(`${directory}/${file}`) ?? "")?.[1]);
  return Math.max(0, ...counts.map((count) => Number(count ?? 0)));
}

/** True when a cgroup is frozen (`paused` in OCI words). */
export function isFrozen(path: string, layout: CgroupLayout = cgroupHost()): boolean {
  return directoriesOf(path, layout).some(
    (directory) => readIfExists(`${directory}/cgroup.freeze`)?.trim() === "1" || readIfExists(`${directory}/freezer.state`)?.trim() === "FROZEN",
  );
}

function processesBelow(directory: string): number[] {
  const entries = unless("ENOENT", () => readdirSync(directory, { withFileTypes: true }), []);
  const own = words(readProcs(directory)).map(Number);
  return own.concat(...entries.filter((entry) => entry.isDirectory()).map((entry) => processesBelow(`${directory}/${entry.name}`)));
}

/** A cgroup that is removed while its file is open answers ENODEV; a threaded one EOPNOTSUPP. */
function readProcs(directory: string): string {
  return unless("ENODEV", () => unless("EOPNOTSUPP", () => readIfExists(`${directory}/cgroup.procs`), ""), "") ?? "";
}

function isIn(pid: number, path: string): boolean {
  const lines = unless("ESRCH", () => readIfExists(`/proc/${pid}/cgroup`), undefined)?.split("\n") ?? [];
  return lines.some((line) => `${line.split(":").slice(2).join(":")}/`.startsWith(`${path}/`));
}

function killAtOnce(path: string, layout: CgroupLayout): boolean {
  const [file] = layout.version === "v2" ? directoriesOf(path, layout).map((directory) => `${directory}/cgroup.kill`) : [];
  if (file === undefined || !existsSync(file)) return false;
  writeIfExists(file, "1");
  return true;
}

/** v1: a frozen process takes even SIGKILL only when it is thawed. */
function thaw(path: string, layout: CgroupLayout): void {
  const frozen = directoriesOf(path, layout).map((directory) => `${directory}/freezer.state`);
  for (const file of frozen) if (readIfExists(file)?.trim() === "FROZEN") writeIfExists(file, "THAWED");
}

function writeIfExists(file: string, text: string): void {
  unless("ENODEV", () => unless("ENOENT", () => writeFileSync(file, text), undefined), undefined);
}
