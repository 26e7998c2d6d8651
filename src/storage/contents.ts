/** Contents of files in trees that come from strangers. */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { errnoOf } from "../base/errors.ts";
import { openBelow, RESOLVE } from "./syscalls.ts";

const PIECE = 1 << 20;

/** The content of an open file, in pieces that are valid until the next is asked for. Other work gets its turn in between. */
export async function* contentOf(fd: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(PIECE);
  for (;;) {
    const length = readSync(fd, buffer);
    if (length > 0) yield buffer.subarray(0, length);
    if (length < PIECE) return;
    await setImmediate();
  }
}

/** SHA-256 of a file's content, in hexadecimal. `path` is not a symbolic link. */
export async function digestAt(path: Buffer): Promise<string> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const piece of contentOf(fd)) hash.update(piece);
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

/** Opens a file of a tree, undefined when it is not there; no symbolic link is followed. */
export function openContent(tree: number, path: string): number | undefined {
  try {
    return openBelow(tree, path, { flags: constants.O_RDONLY | constants.O_NONBLOCK, resolve: RESOLVE.plain });
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(thrown) ?? "")) return undefined;
    throw thrown;
  }
}
