/** Reading small text files of trees that others write to: images and volumes. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { O_PATH, openBelow } from "./syscalls.ts";

export interface ReadBelow {
  /** `RESOLVE`: what links may do. */
  readonly resolve: bigint;
  /** Bytes; nothing must make us read for ever. */
  readonly largest: number;
  /** For the error: `/etc/passwd of the image`. */
  readonly name: string;
}

/** The text of a regular file below a directory; undefined when there is none. Kind `invalid` when it is something else, or too large. */
export function readBelow(directory: string, path: string, { resolve, largest, name }: ReadBelow): string | undefined {
  const root = openSync(directory, O_PATH | constants.O_DIRECTORY);
  let fd: number | undefined;
  try {
    fd = unless("ENOENT", () => openBelow(root, path, { flags: constants.O_RDONLY | constants.O_NONBLOCK, resolve }), undefined);
    if (fd === undefined) return undefined;
    const found = fstatSync(fd);
    if (!found.isFile() || found.size > largest) fail("invalid", `Cannot read ${name}: it must be a file of at most ${largest} bytes`);
    return readFileSync(fd, "utf8");
  } finally {
    if (fd !== undefined) closeSync(fd);
    closeSync(root);
  }
}
