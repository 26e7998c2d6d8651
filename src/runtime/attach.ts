/**
 * Taking part in the standard streams of a running container, by the socket that its monitor listens on (conmon's
 * `src/conn_sock.c`, `src/ctrl.c`): packets of one byte, which stream, and the output; input without that byte. Terminal
 * sizes go to the fifo `ctl` beside it. Nothing but the monitor is needed.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { errnoOf, fail, messageOf } from "../base/errors.ts";
import { connectPackets } from "../base/packets.ts";
import { attachSocket, controlFifo } from "./bundle.ts";
import type { Session } from "./runtime.ts";

/** conmon's STDIO_BUF_SIZE and the byte before it, with room to spare. */
const OUTPUT_LARGEST = 64 * 1024;
/** Less than conmon's CONN_SOCK_BUF_SIZE, beyond which a packet would be cut off. */
const INPUT_LARGEST = 8 * 1024;
const STDERR = 3;
/** conmon refuses more. */
const SIZE_MAX = 1000;

/** Kind `failed` when the monitor does not answer. */
export function attachTo(bundle: string): Session {
  const socket = (() => {
    try {
      return connectPackets(attachSocket(bundle));
    } catch (cause) {
      return fail("failed", `Cannot attach to the container of "${bundle}": its monitor does not answer: ${messageOf(cause)}`, { cause });
    }
  })();
  return {
    async *output() {
      for await (const packet of socket.packets(OUTPUT_LARGEST)) {
        yield { stream: packet[0] === STDERR ? "stderr" : "stdout", data: packet.subarray(1) };
      }
    },
    async write(data) {
      for (let at = 0; at < data.length; at += INPUT_LARGEST) {
        if (!(await socket.send(data.subarray(at, at + INPUT_LARGEST)))) return false;
      }
      return true;
    },
    endInput: () => socket.end(),
    resize({ rows, columns }) {
      const fifo = openControl(bundle);
      if (fifo === undefined) return;
      try {
        writeSync(fifo, `1 ${Math.min(rows, SIZE_MAX)} ${Math.min(columns, SIZE_MAX)}\n`);
      } finally {
        closeSync(fifo);
      }
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** Undefined when the monitor has ended. */
function openControl(bundle: string): number | undefined {
  try {
    return openSync(controlFifo(bundle), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    if (["ENOENT", "ENXIO"].includes(errnoOf(thrown) ?? "")) return undefined;
    throw thrown;
  }
}
