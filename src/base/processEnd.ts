/** Waiting for the end of a process that is not our child. */
import { closeSync } from "node:fs";
import { openPidfd } from "./libc.ts";
import { livingProcess } from "./pidFile.ts";

/**
 * Resolves when the process that a file names (`pidFile.ts`) has ended; at once when it names none that lives. Waiting
 * costs a descriptor and keeps this process from nothing, not even from its end. It cannot be given up.
 */
export async function processEnd(path: string): Promise<void> {
  const pid = livingProcess(path);
  const fd = pid === undefined ? undefined : openPidfd(pid);
  if (fd === undefined) return;
  if (livingProcess(path) === pid) await readable(fd);
  else closeSync(fd); // it may be of who has the number now
}

/**
 * A pidfd is readable when its process has ended (pidfd_open(2)), and Bun waits for a descriptor when it takes it for a
 * socket. What it then reads is refused, with which the "socket" closes, and the descriptor with it.
 */
async function readable(fd: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const close = (): void => over.resolve();
  const adopted = { fd, data: undefined, socket: { data: () => undefined, close, error: close } };
  const socket = await Bun.connect(adopted as unknown as Bun.TCPSocketConnectOptions<undefined>); // Bun takes a descriptor instead of a place; its types do not say so
  socket.unref();
  await over.promise;
}
