/** Locks that the kernel releases: an `flock(2)` on an open file, held for the life of its holder. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { fail, messageOf } from "./errors.ts";
import { CLEAN_ENV } from "./exec.ts";
import { flock } from "./libc.ts";

export interface Lock extends Disposable {
  readonly path: string;
  /** The open file: who inherits it holds the lock, too. */
  readonly fd: number;
}

export interface WaitOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly shared?: boolean;
}

/** Takes the exclusive lock of `path`, or returns undefined when another process holds it and `wait` is false. */
export function acquire(path: string, options: { readonly wait: boolean; readonly shared?: boolean }): Lock | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "a", 0o600);
  let mine = false;
  try {
    mine = flock(fd, options);
  } finally {
    if (!mine) closeSync(fd);
  }
  return mine ? held(path, fd) : undefined;
}

/**
 * The exclusive (or shared) lock of `path`, or undefined when others hold it for longer than `timeout` ms. Waiting does not
 * block the event loop: it is done by flock(1) on the same open file. Kind `unavailable` when that is not installed.
 */
export async function acquireWithin(path: string, options: WaitOptions): Promise<Lock | undefined> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "a", 0o600);
  let mine = false;
  try {
    mine = flock(fd, { ...options, wait: false }) || (await flockWithin(fd, options));
  } finally {
    if (!mine) closeSync(fd);
  }
  return mine ? held(path, fd) : undefined;
}

async function flockWithin(fd: number, { timeout, shared }: WaitOptions): Promise<boolean> {
  const argv = ["flock", shared === true ? "--shared" : "--exclusive", "--timeout", String(timeout / 1000), "3"];
  try {
    return (await Bun.spawn(argv, { env: CLEAN_ENV, stdio: ["ignore", "ignore", "ignore", fd], timeout: timeout + 1000, killSignal: "SIGKILL" }).exited) === 0;
  } catch (cause) {
    return fail("unavailable", `Cannot run "flock": ${messageOf(cause)}`, { cause, hint: 'install the package "util-linux"' });
  }
}

function held(path: string, fd: number): Lock {
  let open = true;
  return {
    path,
    fd,
    [Symbol.dispose]() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
