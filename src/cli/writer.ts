/** Standard output and error. */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { errnoOf } from "../base/errors.ts";
import type { Writer } from "./context.ts";

/**
 * Writes to a file descriptor, at once where that is possible. A reader that has gone (EPIPE) is not an error: nothing
 * is written from then on. A full pipe that was made non-blocking by somebody else (EAGAIN) is waited for.
 */
export function writerTo(fd: number): Writer {
  let gone = false;
  return {
    get isTerminal() {
      return isatty(fd);
    },
    async write(data) {
      let rest = typeof data === "string" ? Buffer.from(data) : data;
      while (!gone && rest.length > 0) {
        const written = tryWrite(fd, rest);
        if (written === "gone") gone = true;
        else if (written === "full") return writeLater(fd, rest);
        else rest = rest.subarray(written);
      }
      return !gone;
    },
  };
}

function tryWrite(fd: number, data: Uint8Array): number | "gone" | "full" {
  try {
    return writeSync(fd, data);
  } catch (thrown) {
    const code = errnoOf(thrown);
    if (code === "EPIPE" || code === "EIO") return "gone";
    if (code === "EAGAIN") return "full";
    throw thrown;
  }
}

async function writeLater(fd: number, data: Uint8Array): Promise<boolean> {
  const sink = Bun.file(fd).writer();
  sink.write(data);
  await sink.flush();
  return true;
}
