/** Files written so that a crash leaves the old or the new content, never half of one. */
import { chmodSync, closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { unless } from "./errors.ts";

/** Writes `path` by a temporary file, fsync and rename. `durable: false` skips the fsyncs (tmpfs). */
export function writeAtomically(path: string, content: string | Uint8Array, options: { readonly mode?: number; readonly durable?: boolean } = {}): void {
  const temporary = `${path}.${process.pid}.new`;
  const fd = openSync(temporary, "w", options.mode ?? 0o600);
  try {
    if (options.mode !== undefined) fchmodSync(fd, options.mode); // whatever the umask is
    writeSync(fd, typeof content === "string" ? Buffer.from(content) : content);
    if (options.durable !== false) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  if (options.durable !== false) syncDirectory(dirname(path));
}

/** `fsync(2)` of a directory, so that a rename in it lasts. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The text of a file, or undefined when there is none. */
export function readIfExists(path: string): string | undefined {
  return unless("ENOENT", () => readFileSync(path, "utf8"), undefined);
}

/** Makes a directory and its parents. */
export function ensureDirectory(path: string, mode = 0o700): void {
  mkdirSync(path, { recursive: true, mode });
}

/** Takes from others what they may do with a file or directory; what is not ours to change is left. Absent is success. */
export function closeToOthers(path: string): void {
  const found = unless("ENOENT", () => statSync(path), undefined);
  if (found !== undefined && (found.mode & 0o077) !== 0 && found.uid === process.geteuid?.()) chmodSync(path, found.mode & 0o700);
}

/**
 * Removes a tree: renamed to a hidden name first, so that a crash never leaves half of it under its real name. Nothing
 * there is success. Symbolic links in it are removed, not followed.
 */
export async function removeTree(path: string): Promise<void> {
  const slash = path.lastIndexOf("/");
  const hidden = `${path.slice(0, slash)}/.gone-${path.slice(slash + 1)}`;
  await rm(hidden, { recursive: true, force: true });
  if (unless("ENOENT", () => renameSync(path, hidden) ?? true, false)) await rm(hidden, { recursive: true, force: true });
}
