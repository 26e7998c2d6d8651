/**
 * A process in a container at the caller's terminal, under crun: its pseudo-terminal is handed to us (the "console
 * socket" of OCI runtimes) and coupled to the caller's by ourselves. crun as the go-between loses what a process says
 * right before its end (`wait_for_process` in crun's container.c returns without reading on), and before 1.9 it does not
 * hand on the size.
 */
import { close, read, write } from "node:fs";
import { promisify } from "node:util";
import { listenForDescriptor } from "../base/passedDescriptor.ts";
import { rawTerminal, setTerminalSize } from "../base/terminal.ts";
import type { CallersTerminal } from "./runtime.ts";

const readOnce = promisify(read), writeOnce = promisify(write), closeOnce = promisify(close);

export interface TerminalExec {
  /** Of the socket, which nothing else may be. */
  readonly path: string;
  /** Starts the runtime's client, which has no other stdin and stdout than the terminal that it sends. */
  readonly start: (options: readonly string[]) => Bun.Subprocess;
  readonly terminal: CallersTerminal;
}

/** Resolves with the client's status when the process has ended and what it said has been shown. */
export async function atTerminal({ path, start, terminal }: TerminalExec): Promise<number> {
  using socket = listenForDescriptor(path);
  const client = start(["--tty", "--console-socket", path]);
  await Promise.race([socket.connected(), client.exited]);
  const ours = socket.take(); // also of a client that has ended since
  if (ours === undefined) return client.exited;
  using _raw = rawTerminal(0);
  using _size = sized(ours, terminal);
  using _end = endedWith(client);
  void type(terminal, ours);
  const shown = show(ours, terminal);
  const status = await client.exited;
  await shown.end();
  return status;
}

/** Hands changes of the size on, also one that came before. */
function sized(fd: number, terminal: CallersTerminal): Disposable {
  const resize = (): void => {
    const size = terminal.size();
    if (size !== undefined) setTerminalSize(fd, size);
  };
  resize();
  process.on("SIGWINCH", resize);
  return { [Symbol.dispose]: () => void process.off("SIGWINCH", resize) };
}

/** SIGTERM is for the process, so that the caller's terminal becomes again what it was. */
function endedWith(client: Bun.Subprocess): Disposable {
  const pass = (): void => client.kill("SIGTERM");
  process.once("SIGTERM", pass);
  return { [Symbol.dispose]: () => void process.off("SIGTERM", pass) };
}

async function type(terminal: CallersTerminal, fd: number): Promise<void> {
  try {
    for await (const keys of terminal.keys()) for (let rest = keys; rest.length > 0; ) rest = rest.subarray((await writeOnce(fd, rest)).bytesWritten);
  } catch {} // the process has ended
}

const LARGEST = 64 * 1024;
/** Milliseconds without a word after the end of the process: one that it left behind may hold the terminal open. */
const QUIET = 100;

/** Shows all that comes; `end` resolves when nothing more does. */
function show(fd: number, terminal: CallersTerminal): { end(): Promise<void> } {
  let words = 0;
  const every = async (): Promise<void> => {
    const buffer = Buffer.alloc(LARGEST);
    for (;;) {
      const { bytesRead } = await readOnce(fd, buffer, 0, LARGEST, null).catch(() => ({ bytesRead: 0 })); // EIO: nobody has the other side open
      if (bytesRead === 0 || !(await terminal.show(buffer.subarray(0, bytesRead)))) return;
      words += 1;
    }
  };
  const over = every().then(() => closeOnce(fd));
  const quiet = async (): Promise<void> => {
    for (let before = -1; before !== words; await Bun.sleep(QUIET)) before = words;
  };
  return { end: () => Promise.race([over, quiet()]) };
}
