/** Fifos (fifo(7)) that a process holds open for writing as long as it lives: end-of-file says that it has ended. */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { errnoOf, unless } from "./errors.ts";

/** Resolves when nobody holds the fifo open for writing: at once when nobody does or there is none. `false` when `signal` came first. */
export async function writersEnd(path: string, signal?: AbortSignal): Promise<boolean> {
  const fifo = unless("ENOENT", () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), undefined);
  if (fifo === undefined) return true;
  try {
    return !isHeld(fifo) || (await drained(fifo, signal));
  } finally {
    closeSync(fifo);
  }
}

/** Whether anybody has the fifo open for writing. Takes an unread line away: nobody else waits for it any more. */
function isHeld(fifo: number): boolean {
  try {
    while (readSync(fifo, Buffer.alloc(4096)) > 0);
    return false;
  } catch (thrown) {
    if (errnoOf(thrown) === "EAGAIN") return true;
    throw thrown;
  }
}

async function drained(fifo: number, signal?: AbortSignal): Promise<boolean> {
  const reader = Bun.file(fifo).stream().getReader();
  try {
    return await whileNot(signal, reader, async () => {
      while (!(await reader.read()).done);
    });
  } finally {
    await reader.cancel();
  }
}

/** Runs `action`, which reads from `reader`; an abort makes the read end. False when it was aborted. */
export async function whileNot(signal: AbortSignal | undefined, reader: { cancel(): Promise<void> }, action: () => Promise<void>): Promise<boolean> {
  const isAborted = (): boolean => signal?.aborted === true;
  const stop = (): void => void reader.cancel();
  if (isAborted()) return false;
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await action();
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  return !isAborted();
}
