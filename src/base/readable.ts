/** Waiting in the event loop for descriptors that Bun has no API for: of processes (pidfd_open(2)), of sockets that listen. */

/**
 * Resolves when the descriptor is readable, and closes it. Bun waits for a descriptor when it takes it for a connected
 * socket; what it then reads from one that is none is refused, with which the "socket" closes, and the descriptor with
 * it. Waiting keeps this process from nothing, not even from its end. It cannot be given up.
 */
export async function readable(fd: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const close = (): void => over.resolve();
  const adopted = { fd, data: undefined, socket: { data: () => undefined, close, error: close } };
  const socket = await Bun.connect(adopted as unknown as Bun.TCPSocketConnectOptions<undefined>); // Bun takes a descriptor instead of a place; its types do not say so
  socket.unref();
  await over.promise;
}
