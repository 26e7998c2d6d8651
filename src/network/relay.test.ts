import { expect, test } from "bun:test";
import { join, type RelayEnd, relayEnd, relayHandlers } from "./relay.ts";

/** A relay in front of a server; resolves with its port. */
function relayTo(port: number): Bun.TCPSocketListener<RelayEnd> {
  return Bun.listen<RelayEnd>({
    hostname: "127.0.0.1", port: 0, data: relayEnd(), allowHalfOpen: true,
    socket: {
      ...relayHandlers,
      open(socket) {
        socket.data = relayEnd();
        socket.pause();
        void Bun.connect({ hostname: "127.0.0.1", port, data: relayEnd(), allowHalfOpen: true, socket: relayHandlers }).then((other) => join(socket, other));
      },
    },
  });
}

test("relayHandlers pass much data through a slow reader, whole and in order", async () => {
  const size = 8 * 1024 * 1024;
  const big = Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
  // Writes all it has as fast as it can, and closes.
  const server = Bun.listen<{ at: number }>({
    hostname: "127.0.0.1", port: 0, data: { at: 0 },
    socket: { open: (socket) => { socket.data = { at: 0 }; more(socket); }, drain: (socket) => more(socket), data: () => undefined },
  });
  function more(socket: Bun.Socket<{ at: number }>): void {
    for (;;) {
      const written = socket.write(big.subarray(socket.data.at));
      socket.data.at += Math.max(written, 0);
      if (socket.data.at === size) return void socket.end();
      if (written <= 0) return;
    }
  }
  const relay = relayTo(server.port);
  let seen = 0;
  let same = true;
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1", port: relay.port,
    socket: {
      data(socket, chunk) {
        same &&= chunk.equals(big.subarray(seen, seen + chunk.length));
        seen += chunk.length;
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      },
      close: () => close(),
    },
  });
  await closed;
  expect({ seen, same }).toEqual({ seen: size, same: true });
  relay.stop(true);
  server.stop(true);
}, 30_000);

test("relayHandlers pass the end of one direction on and leave the other open", async () => {
  const server = Bun.listen<{ said: string }>({
    hostname: "127.0.0.1", port: 0, data: { said: "" }, allowHalfOpen: true,
    socket: { open: (socket) => void (socket.data = { said: "" }), data: (socket, chunk) => void (socket.data.said += chunk.toString()), end: (socket) => void socket.end(`heard ${socket.data.said}`) },
  });
  const relay = relayTo(server.port);
  let seen = "";
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const client = await Bun.connect({ hostname: "127.0.0.1", port: relay.port, allowHalfOpen: true, socket: { data: (_, chunk) => void (seen += chunk.toString()), end: (socket) => void socket.end(), close: () => close() } });
  client.write("a question");
  client.shutdown();
  await closed;
  expect(seen).toBe("heard a question");
  relay.stop(true);
  server.stop(true);
}, 10_000);
