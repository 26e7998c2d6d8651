/** Locks that the kernel releases: an `flock(2)` on an open file, held for the life of its holder. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { CLEAN_ENV } from "./exec.ts";
import { flock } from "./libc.ts";

export interface Lock extends Disposable {
  readonly path: string;
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
 * The exclusive lock of `path`, or undefined when others hold it for longer than `timeout` ms. Waiting does not block the
 * event loop: it is done by flock(1) on the same open file.
 */
export async function acquireWithin(path: string, timeout: number): Promise<Lock | undefined> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "a", 0o600);
  try {
    if (flock(fd, { wait: false }) || (await Bun.spawn(["flock", "--timeout", String(timeout / 1000), "3"], { env: CLEAN_ENV, stdio: ["ignore", "ignore", "ignore", fd] }).exited) === 0) return held(path, fd);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  closeSync(fd);
  return undefined;
}

function held(path: string, fd: number): Lock {
  let open = true;
  return {
    path,
    [Symbol.dispose]() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
