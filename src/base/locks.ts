/** Locks that the kernel releases: an `flock(2)` on an open file, held for the life of its holder. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { flock } from "./libc.ts";

export interface Lock extends Disposable {
  readonly path: string;
}

/** Takes the exclusive lock of `path`, or returns undefined when another process holds it and `wait` is false. */
export function acquire(path: string, options: { readonly wait: boolean; readonly shared?: boolean }): Lock | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "a", 0o600);
  let held = false;
  try {
    held = flock(fd, options);
  } finally {
    if (!held) closeSync(fd);
  }
  if (!held) return undefined;
  let open = true;
  return {
    path,
    [Symbol.dispose]() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
