/**
 * The record that crun and runc keep of a container: a directory `<root>/<id>` with `status` (crun) or `state.json`
 * (runc), and `exec.fifo` until the payload is started. Reading it says what `crun state` would say, without a process.
 */
import { closeSync, constants, existsSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { unmount } from "../base/libc.ts";
import { startTimeOf } from "../base/pidFile.ts";
import { numberAt, parseJson, textAt, textsAt } from "./json.ts";

export interface RuntimeRecord {
  /** Who wrote it, and therefore must be asked to change it. */
  readonly kind: "crun" | "runc";
  readonly pid: number;
  readonly startTime: number;
  readonly bundle: string;
  readonly cgroup: string | undefined;
  /** The payload has not been started. */
  readonly created: boolean;
}

export const recordDirectory = (root: string, id: string): string => `${root}/${id}`;

/** The record; `partial` when the runtime was ended while it made the container; undefined when there is none. */
export function readRecord(root: string, id: string): RuntimeRecord | "partial" | undefined {
  const directory = recordDirectory(root, id);
  const crun = parseJson(readIfExists(`${directory}/status`) ?? "");
  const runc = crun === undefined ? parseJson(readIfExists(`${directory}/state.json`) ?? "") : undefined;
  if (crun === undefined && runc === undefined) return existsSync(directory) ? "partial" : undefined;
  const created = existsSync(`${directory}/exec.fifo`);
  return crun !== undefined ? { ...fromCrun(crun), created } : { ...fromRunc(runc), created };
}

/**
 * What `crun start` does to a created container without hooks for it (`libcrun_status_write_exec_fifo` in crun's
 * `status.c`), without a process: a byte into the fifo that the payload's process reads from, and the fifo is gone. It
 * goes last: who is killed in between leaves a container that counts as not started, and is made anew. False when nobody reads.
 */
export function letGo(root: string, id: string): boolean {
  const path = `${recordDirectory(root, id)}/exec.fifo`;
  const fifo = unless("ENOENT", () => unless("ENXIO", () => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), undefined), undefined);
  if (fifo === undefined) return false;
  try {
    writeSync(fifo, Buffer.alloc(1));
    rmSync(path, { force: true });
    return true;
  } finally {
    closeSync(fifo);
  }
}

/**
 * Removes the record; nothing there is success. runc binds its own program into it for the moment in which it starts
 * `runc init`: one that was killed just then has left that mount.
 */
export function removeRecord(root: string, id: string): void {
  const directory = recordDirectory(root, id);
  for (const name of unless("ENOENT", () => readdirSync(directory), [])) while (unmount(`${directory}/${name}`));
  rmSync(directory, { recursive: true, force: true });
}

/** The payload's first process is alive, and is the one that was recorded. */
export const isAlive = (record: RuntimeRecord): boolean => startTimeOf(record.pid) === record.startTime;

/** Ids of all records. */
export function listRecords(root: string): readonly string[] {
  const entries = unless("ENOENT", () => readdirSync(root, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map((entry) => entry.name);
}

/** crun forgets where it was while it makes devices for a container with a user namespace, and records `/`; the root filesystem is in the bundle. */
function fromCrun(status: unknown): Omit<RuntimeRecord, "created"> {
  const bundle = textAt(status, "bundle") ?? "";
  return {
    kind: "crun",
    pid: numberAt(status, "pid") ?? 0,
    startTime: numberAt(status, "process-start-time") ?? 0,
    bundle: bundle === "/" ? dirname(textAt(status, "rootfs") ?? bundle) : bundle,
    cgroup: textAt(status, "cgroup-path"),
  };
}

function fromRunc(state: unknown): Omit<RuntimeRecord, "created"> {
  const label = textsAt(state, "config", "labels").find((each) => each.startsWith("bundle="));
  return {
    kind: "runc",
    pid: numberAt(state, "init_process_pid") ?? 0,
    startTime: numberAt(state, "init_process_start") ?? 0,
    bundle: label?.slice("bundle=".length) ?? "",
    cgroup: textAt(state, "config", "cgroups", "path"),
  };
}
