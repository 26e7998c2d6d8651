/**
 * Container logs in CRI format (kubelet's, conmon's `k8s-file`): `<RFC 3339 time> <stdout|stderr> <F|P> <text>` per line;
 * `P` is a piece of a line, `F` the last piece or a whole line. When a log has reached its size, conmon renames a new
 * file over it, so a reader holds one open file and looks at the path again when that one is read to its end.
 */
import { closeSync, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { unless } from "../base/errors.ts";

export interface Entry {
  /** As it stands in the file. */
  readonly time: string;
  readonly stream: string;
  /** More of the same line follows. */
  readonly partial: boolean;
  readonly content: Uint8Array;
}

const SPACE = 0x20;
const NEWLINE = 0x0a;

/** One line of a log without its newline, or undefined when it is no entry. */
export function parseEntry(line: Buffer): Entry | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first < 1 || second < 0) return undefined;
  const third = line.indexOf(SPACE, second + 1);
  const tag = line.toString("latin1", second + 1, third < 0 ? line.length : third);
  if (!/^[FP](:|$)/.test(tag)) return undefined;
  const content = third < 0 ? line.subarray(line.length) : line.subarray(third + 1);
  return { time: line.toString("latin1", 0, first), stream: line.toString("latin1", first + 1, second), partial: tag.startsWith("P"), content };
}

/** Reads the entries of one log, across the files that it consists of in turn. */
export class LogReader implements Disposable {
  readonly #path: string;
  #fd: number | undefined;
  #rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
    this.#fd = unless("ENOENT", () => openSync(path, "r"), undefined);
  }

  get found(): boolean {
    return this.#fd !== undefined;
  }

  /** Everything that has come since the last call; in the end also from the file that has taken this one's place. */
  *read(): Generator<Entry> {
    yield* this.#readFile();
    while (this.#reopen()) yield* this.#readFile();
  }

  *#readFile(): Generator<Entry> {
    if (this.#fd === undefined) return;
    const chunk = Buffer.allocUnsafe(64 * 1024);
    for (let size = readSync(this.#fd, chunk); size > 0; size = readSync(this.#fd, chunk)) {
      this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, size)]);
      yield* this.#lines();
    }
  }

  *#lines(): Generator<Entry> {
    let start = 0;
    for (let end = this.#rest.indexOf(NEWLINE); end >= 0; end = this.#rest.indexOf(NEWLINE, start)) {
      const entry = parseEntry(this.#rest.subarray(start, end));
      if (entry !== undefined) yield entry;
      start = end + 1;
    }
    this.#rest = this.#rest.subarray(start);
  }

  /** Goes to the file that is at the path now; false when that is the one being read. */
  #reopen(): boolean {
    const there = unless("ENOENT", () => statSync(this.#path).ino, undefined);
    if (there === undefined || (this.#fd !== undefined && fstatSync(this.#fd).ino === there)) return false;
    const next = unless("ENOENT", () => openSync(this.#path, "r"), undefined);
    if (next === undefined) return false;
    this[Symbol.dispose]();
    this.#fd = next;
    this.#rest = Buffer.alloc(0);
    return true;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/**
 * The entries that `reader` has not yet given, as they are written (inotify), until `signal` aborts; what was written
 * by then is still given.
 */
export async function* follow(reader: LogReader, path: string, options: { readonly signal: AbortSignal }): AsyncGenerator<Entry> {
  let wake = (): void => undefined;
  let changed = true;
  const notify = (): void => {
    changed = true;
    wake();
  };
  const name = basename(path);
  const watcher = watch(dirname(path), (_, file) => (file === name ? notify() : undefined));
  options.signal.addEventListener("abort", notify);
  try {
    for (let last = options.signal.aborted; ; last = options.signal.aborted) {
      changed = false;
      yield* reader.read();
      if (last) return;
      if (!changed && !options.signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    options.signal.removeEventListener("abort", notify);
    watcher.close();
  }
}
