/** The control socket of a supervisor: one request per connection, answered by messages. */
import { chmodSync, renameSync, rmSync } from "node:fs";
import { peerUser } from "../base/libc.ts";
import { WherryError, messageOf } from "../base/errors.ts";
import { lineReader } from "../base/lines.ts";
import type { Message, Request } from "./protocol.ts";
import { encode, parseRequest } from "./wire.ts";

/** Answers one request; what it throws becomes the error message. `signal` aborts when the client goes away. */
export type Handler = (request: Request, send: (message: Message) => void, signal: AbortSignal) => Promise<void>;

interface Client {
  pending: Uint8Array;
  ending: boolean;
  readonly gone: AbortController;
  read(chunk: Uint8Array): void;
}

export interface ControlServer {
  /** Clients that wait for an answer. */
  clients(): number;
  /** Stops listening and ends all connections. */
  close(): void;
}

/**
 * Listens at `path`. The socket is made under another name and renamed when it listens, so that whoever sees it can
 * connect. Its directory and its mode keep other users away, and who comes all the same is asked who it is: only root
 * and the user of this process are heard. In a user's namespaces root is that user.
 */
export function serve(path: string, handler: Handler, onIdle: () => void): ControlServer {
  const clients = new Set<Client>();
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const listener = Bun.listen<Client>({
    unix: temporary,
    socket: {
      open(socket) {
        const send = (message: Message): void => write(socket, encode(message));
        const gone = new AbortController();
        const finish = (): void => {
          socket.data.ending = true;
          flush(socket);
        };
        const refuse = (): void => {
          send(STRANGER);
          finish();
        };
        const read = lineReader("the control socket", (line) => void answer(line, { handler, send, signal: gone.signal }).then(finish));
        const welcome = mayAsk(socket);
        socket.data = { pending: new Uint8Array(), ending: false, gone, read: welcome ? read : refuse };
        if (welcome) clients.add(socket.data);
      },
      data: (socket, chunk) => socket.data.read(chunk),
      drain: flush,
      error(socket, thrown) {
        write(socket, encode(errorMessage(thrown))); // what was not even a line
        socket.end();
      },
      close(socket) {
        socket.data.gone.abort();
        if (clients.delete(socket.data) && clients.size === 0) onIdle();
      },
    },
  });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
  return {
    clients: () => clients.size,
    close() {
      rmSync(path, { force: true });
      listener.stop(true);
    },
  };
}

const STRANGER: Message = { type: "error", kind: "conflict", code: "ENOTYOURS", message: "Cannot answer: this supervisor is another user's, its own user or root should ask" };

/** A connection whose other end cannot be told is nobody's. */
function mayAsk(socket: object): boolean {
  if (!("fd" in socket) || typeof socket.fd !== "number" || socket.fd < 0) return false;
  const user = peerUser(socket.fd);
  return user === 0 || user === process.geteuid?.();
}

async function answer(line: string, { handler, send, signal }: { handler: Handler; send: (message: Message) => void; signal: AbortSignal }): Promise<void> {
  try {
    const request = parseRequest(line);
    send({ type: "heard" });
    await handler(request, send, signal);
    send({ type: "done" });
  } catch (thrown) {
    send(errorMessage(thrown));
  }
}

function errorMessage(thrown: unknown): Message {
  if (!(thrown instanceof WherryError)) return { type: "error", kind: "failed", code: "EBUG", message: messageOf(thrown) };
  const { kind, code, message, hint } = thrown;
  return { type: "error", kind, code, message, ...(hint === undefined ? {} : { hint }) };
}

type ServerSocket = Bun.Socket<Client>;

function write(socket: ServerSocket, text: string): void {
  socket.data.pending = Buffer.concat([socket.data.pending, Buffer.from(text)]);
  flush(socket);
}

function flush(socket: ServerSocket): void {
  const { pending } = socket.data;
  if (pending.length > 0) socket.data.pending = pending.subarray(Math.max(0, socket.write(pending)));
  if (socket.data.pending.length === 0 && socket.data.ending) socket.end();
}
