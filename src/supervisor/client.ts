/** How a command talks to the supervisor of a service. */
import { existsSync, watch } from "node:fs";
import { dirname } from "node:path";
import { ensureDirectory } from "../base/files.ts";
import { WherryError, errnoOf, fail } from "../base/errors.ts";
import { lineReader } from "../base/lines.ts";
import type { Message, Request, WaitingPod } from "./protocol.ts";
import { encode, parseMessage } from "./wire.ts";

export interface AskOptions {
  readonly onProgress?: (message: Extract<Message, { type: "progress" }>) => void;
  readonly onWaiting?: ((pod: WaitingPod) => void) | undefined;
  /** Asked for once a supervisor listens; when it resolves the asking is given up, and the supervisor goes on. */
  readonly interrupted?: (() => Promise<void>) | undefined;
  /** Called when it is done and the connection is still open: a supervisor does not end before it is closed. */
  readonly onDone?: () => void;
}

/** Milliseconds in which a supervisor that lives has said that it heard; it is busy for a fraction of that at most. */
const HEARD_WITHIN = 10_000;
/** Codes of kind `unavailable`: it ended before it had answered, or it hangs. */
export const SUPERVISOR_GONE = "ESUPERVISORGONE", SUPERVISOR_DEAF = "ESUPERVISORDEAF";

/** Code of the error with which `ask` gives up. */
export const INTERRUPTED = "EINTERRUPTED";

/**
 * Sends one request and resolves when it is done. Returns false when no supervisor listens (nothing happened then).
 * Fails with the supervisor's own error, with kind `unavailable` when it ends before the answer, or with kind `timeout`
 * and code EINTERRUPTED.
 */
export async function ask(socket: string, request: Request, options: AskOptions = {}): Promise<boolean> {
  const answer = Promise.withResolvers<void>();
  const unheard = (): void => answer.reject(new WherryError("unavailable", `Cannot get an answer: the supervisor has not heard the request within ${HEARD_WITHIN / 1000} s`, { code: SUPERVISOR_DEAF, hint: "wherry down ends it" }));
  const deaf = setTimeout(unheard, HEARD_WITHIN);
  const read = lineReader("the control socket", (line) => {
    const message = parseMessage(line);
    clearTimeout(deaf);
    if (message.type === "heard") return;
    if (message.type === "progress") options.onProgress?.(message);
    else if (message.type === "waiting") options.onWaiting?.(waitingPod(message));
    else if (message.type === "error") answer.reject(errorOf(message));
    else answer.resolve();
  });
  const gone = (): void => answer.reject(new WherryError("unavailable", "Cannot get an answer: the supervisor ended", { code: SUPERVISOR_GONE }));
  const connection = await connect(socket, { read: (chunk) => guarded(() => read(chunk), answer.reject), closed: gone });
  if (connection === undefined) {
    clearTimeout(deaf);
    return false;
  }
  void options.interrupted?.().then(() => answer.reject(new WherryError("timeout", "Cannot wait any longer: the command was interrupted", { code: INTERRUPTED })));
  try {
    sendWhole(connection, encode(request));
    await answer.promise;
    options.onDone?.();
    return true;
  } finally {
    clearTimeout(deaf);
    connection.end();
  }
}

const waitingPod = ({ namespace, pod, container, reason, message }: WaitingPod): WaitingPod => ({ namespace, pod, container, reason, message });

const errorOf = (message: Extract<Message, { type: "error" }>): WherryError =>
  new WherryError(message.kind, message.message, { code: message.code, ...(message.hint === undefined ? {} : { hint: message.hint }) });

function guarded(action: () => void, onError: (thrown: unknown) => void): void {
  try {
    action();
  } catch (thrown) {
    onError(thrown);
  }
}

type Connection = Awaited<ReturnType<typeof Bun.connect<{ pending: Uint8Array }>>>;

async function connect(socket: string, handlers: { read(chunk: Uint8Array): void; closed(): void }): Promise<Connection | undefined> {
  if (!existsSync(socket)) return undefined;
  try {
    return await Bun.connect<{ pending: Uint8Array }>({
      unix: socket,
      data: { pending: new Uint8Array() },
      socket: { data: (_, chunk) => handlers.read(chunk), close: handlers.closed, drain: flush, error: handlers.closed },
    });
  } catch (thrown) {
    if (["ENOENT", "ECONNREFUSED", "ECONNRESET"].includes(errnoOf(thrown) ?? "")) return undefined;
    fail("unavailable", `Cannot reach the supervisor at "${socket}": ${errnoOf(thrown) ?? String(thrown)}`, { cause: thrown });
  }
}

/** Writes all of it, also when the socket takes only a part at a time. */
function sendWhole(connection: Connection, text: string): void {
  connection.data.pending = Buffer.from(text);
  flush(connection);
}

function flush(connection: Connection): void {
  const { pending } = connection.data;
  if (pending.length === 0) return;
  const written = connection.write(pending);
  connection.data.pending = pending.subarray(Math.max(0, written));
}

/** Resolves when the socket exists (inotify on its directory), rejects when `gone` does so first. */
export async function socketAppears(socket: string, gone: Promise<void>): Promise<void> {
  ensureDirectory(dirname(socket));
  const appeared = Promise.withResolvers<void>();
  const watcher = watch(dirname(socket), () => {
    if (existsSync(socket)) appeared.resolve();
  });
  try {
    if (existsSync(socket)) return;
    await Promise.race([appeared.promise, gone]);
  } finally {
    watcher.close();
  }
}
