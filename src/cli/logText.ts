/** Log entries → the bytes that `logs` prints. */
import type { Entry } from "./logFile.ts";

export interface TextOptions {
  readonly timestamps: boolean;
  /** Before every line: `[pod/web/nginx] `. */
  readonly prefix: string;
}

/** Keeps what was logged at `since` (ms) or later. */
export function* newerThan(entries: Iterable<Entry>, since: number): Generator<Entry> {
  for (const entry of entries) if (Date.parse(entry.time) >= since) yield entry;
}

/** The entries of the last `count` lines; pieces of one line count as one. All when `count` is negative. */
export function lastLines(entries: Iterable<Entry>, count: number): readonly Entry[] {
  const lines: Entry[][] = [];
  const open = new Map<string, Entry[]>();
  for (const entry of entries) {
    const begun = open.get(entry.stream);
    const line = begun ?? [];
    line.push(entry);
    if (begun === undefined) lines.push(line);
    if (entry.partial) open.set(entry.stream, line);
    else open.delete(entry.stream);
    if (count >= 0 && lines.length > count) lines.shift();
  }
  return lines.flat();
}

/**
 * Makes the printer of one log. Pieces of a line (`P`) are printed at once, without newline, so that a prompt is seen;
 * time and prefix stand only before the first piece.
 */
export function printer(options: TextOptions): (entry: Entry) => Uint8Array {
  const open = new Set<string>();
  return (entry) => {
    const head = open.has(entry.stream) ? "" : `${options.prefix}${options.timestamps ? `${entry.time} ` : ""}`;
    if (entry.partial) open.add(entry.stream);
    else open.delete(entry.stream);
    return Buffer.concat([Buffer.from(head), entry.content, Buffer.from(entry.partial ? "" : "\n")]);
  };
}

/** Prints entries in few large pieces. */
export function* batched(entries: Iterable<Entry>, print: (entry: Entry) => Uint8Array): Generator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let size = 0;
  for (const entry of entries) {
    const printed = print(entry);
    batch.push(printed);
    size += printed.length;
    if (size < 64 * 1024) continue;
    yield Buffer.concat(batch);
    batch = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(batch);
}

/** Ends after `limit` bytes. */
export async function* limited(chunks: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let left = limit;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

/** Several streams as one, each chunk when it comes. Aborts `stop`, which must end the streams, when nobody reads on. */
export async function* merged<T>(sources: readonly AsyncIterable<T>[], stop: AbortController): AsyncGenerator<T> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const next = (index: number): Promise<{ index: number; result: IteratorResult<T> }> | undefined =>
    iterators[index]?.next().then((result) => ({ index, result }));
  const pending = new Map(iterators.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const first = await Promise.race(pending.values());
      if (first === undefined) return;
      if (first.result.done === true) pending.delete(first.index);
      else {
        pending.set(first.index, next(first.index));
        yield first.result.value;
      }
    }
  } finally {
    stop.abort();
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}
