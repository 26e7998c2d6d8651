/** Standard output and error. */
import { fstatSync, writeSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import { isTerminalDevice } from "../base/terminal.ts";
import type { Writer } from "./context.ts";

/**
 * Writes to a file descriptor, at once where that is possible. A reader that has gone (EPIPE) is not an error: nothing
 * is written from then on. A full pipe that was made non-blocking by somebody else (EAGAIN) is waited for.
 */
export function writerTo(fd: number): Writer {
  let gone = false;
  return {
    get isTerminal() {
      return isTerminal(fd);
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

/** Major number of /dev/null and its kin. */
const MEMORY_DEVICES = 1;

/** isatty(3). `node:tty`, and with it `process.stdout`, takes longer to load than a short command takes. */
export function isTerminal(fd: number): boolean {
  try {
    const file = fstatSync(fd);
    return file.isCharacterDevice() && file.rdev >> 8 !== MEMORY_DEVICES && isTerminalDevice(fd);
  } catch (thrown) {
    if (errnoOf(thrown) === "EBADF") return false;
    throw thrown;
  }
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
