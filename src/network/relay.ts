/** Two connections that are one: what comes from either goes to the other, no faster than it is taken; ends pass on, too. */

/** What a connection of a pair knows. */
export interface RelayEnd {
  peer: Bun.Socket<RelayEnd> | undefined;
  /** Came from the peer and could not be written yet; empty most of the time. */
  waiting: Uint8Array[];
  /** The peer has nothing more to say. */
  ending: boolean;
}

export const relayEnd = (): RelayEnd => ({ peer: undefined, waiting: [], ending: false });

/** Joins two connections, both of which have been paused since they were opened. */
export function join(one: Bun.Socket<RelayEnd>, other: Bun.Socket<RelayEnd>): void {
  if (one.readyState <= 0 || other.readyState <= 0) return [one, other].forEach((each) => void each.terminate());
  one.data.peer = other;
  other.data.peer = one;
  one.resume();
  other.resume();
}

/** Handlers of both connections. They need `allowHalfOpen`. */
export const relayHandlers: Bun.SocketHandler<RelayEnd> = {
  open(socket) {
    socket.pause();
  },
  data(socket, chunk) {
    const { peer } = socket.data;
    if (peer !== undefined && !pass(peer, chunk)) socket.pause();
  },
  drain(socket) {
    const { waiting, peer, ending } = socket.data;
    socket.data.waiting = [];
    for (const chunk of waiting) pass(socket, chunk);
    if (socket.data.waiting.length > 0) return;
    peer?.resume();
    if (ending) socket.shutdown();
  },
  end(socket) {
    const { peer } = socket.data;
    if (peer === undefined) return;
    peer.data.ending = true;
    if (peer.data.waiting.length === 0) peer.shutdown();
  },
  close(socket) {
    const { peer } = socket.data;
    socket.data.peer = undefined;
    if (peer === undefined) return;
    peer.data.peer = undefined;
    if (peer.data.waiting.length === 0) peer.end();
    else peer.data.ending = true;
  },
  error(socket) {
    socket.data.peer?.terminate();
  },
};

/** False when not all of it could be written: the rest waits for the next `drain`. */
function pass(socket: Bun.Socket<RelayEnd>, chunk: Uint8Array): boolean {
  const { waiting } = socket.data;
  const written = waiting.length > 0 ? 0 : Math.max(socket.write(chunk), 0);
  if (written === chunk.length) return true;
  waiting.push(Uint8Array.from(chunk.subarray(written)));
  return false;
}
