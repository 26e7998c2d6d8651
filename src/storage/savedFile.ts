/** A user's file that gets a long stream of bytes: all of them under its name, or none. */
import { closeSync, fsyncSync, openSync, renameSync, statSync, unlinkSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf, fail, messageOf, unless } from "../base/errors.ts";

/** What the errno of a failed write means to its user. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "its directory does not exist", EACCES: "permission is denied", EISDIR: "it is a directory", ENOTDIR: "its directory is a file",
  ENOSPC: "no space is left on the disk", EROFS: "the file system is read-only", EDQUOT: "the disk quota is exceeded", EFBIG: "it would be too large", EPIPE: "nobody reads it",
};

/**
 * Writes `bytes` to `path`: into a hidden file beside it that takes its name when it is complete and synced. What is
 * there and no regular file (a pipe, a device) is written into. The first byte is asked for when the file could be opened.
 */
export async function saveToFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const found = attempt(path, () => unless("ENOENT", () => statSync(path), undefined));
  if (found?.isDirectory() === true) fail("failed", `Cannot write "${path}": ${REASONS["EISDIR"]}`);
  const direct = found !== undefined && !found.isFile();
  const target = direct ? path : `${dirname(path)}/.${basename(path)}.${crypto.randomUUID()}`;
  try {
    await fill(path, { target, direct, bytes });
    if (!direct) attempt(path, () => renameSync(target, path));
  } catch (thrown) {
    if (!direct) unless("ENOENT", () => unlinkSync(target), undefined);
    throw thrown;
  }
}

async function fill(path: string, { target, direct, bytes }: { readonly target: string; readonly direct: boolean; readonly bytes: AsyncIterable<Uint8Array> }): Promise<void> {
  const fd = attempt(path, () => openSync(target, direct ? "w" : "wx", 0o666));
  try {
    for await (const chunk of bytes) attempt(path, () => writeAll(fd, chunk));
    if (!direct) attempt(path, () => fsyncSync(fd));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, chunk: Uint8Array): void {
  for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const code = errnoOf(cause);
    fail("failed", `Cannot write "${path}": ${REASONS[code ?? ""] ?? messageOf(cause)}`, { cause, ...(code === undefined ? {} : { code }) });
  }
}
