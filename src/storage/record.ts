/**
 * The split record of a layer: all bytes of its archive that are not content of a file in the tree, and in their places
 * the names of these files. With the tree it gives the exact archive again.
 *
 *     item     = literal | content
 *     literal  = 0x00, length (u32), bytes
 *     content  = 0x01, length (u32), path, size (u64), SHA-256 (32 bytes)
 *
 * Numbers are little endian; the whole is compressed by `frames.ts`.
 */
import { fail } from "../base/errors.ts";
import { type FrameWriter, frameWriter, readFrames } from "./frames.ts";
import type { Content, TarListener } from "./tarReader.ts";

export type RecordItem =
  | { readonly kind: "literal"; readonly bytes: Buffer }
  | ({ readonly kind: "content" } & Content);

const LITERAL = 0, CONTENT = 1;
/** Bytes of a content item beside its path. */
const FIXED = 8 + 32;

/** Writes a record to a new file. */
export function recordWriter(path: string): TarListener & Disposable & { end(): void } {
  const frames = frameWriter(path);
  const item = (kind: number, length: number): void => {
    const head = Buffer.alloc(5, kind);
    head.writeUInt32LE(length, 1);
    frames.write(head);
  };
  const literals = gathered(frames, (length) => item(LITERAL, length));
  return {
    literal: literals.add,
    content({ path: name, size, digest }) {
      literals.flush();
      const bytes = Buffer.from(name);
      item(CONTENT, bytes.length);
      frames.write(bytes);
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(BigInt(size));
      frames.write(number);
      frames.write(digest);
    },
    end() {
      literals.flush();
      frames.end();
    },
    [Symbol.dispose]: () => frames[Symbol.dispose](),
  };
}

/** Makes one literal of those that follow each other: padding, extended header, header. */
function gathered(frames: FrameWriter, begin: (length: number) => void) {
  const buffer = Buffer.alloc(1 << 16);
  let used = 0;
  const write = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return;
    begin(bytes.length);
    frames.write(bytes);
  };
  const flush = (): void => {
    write(buffer.subarray(0, used));
    used = 0;
  };
  const add = (bytes: Uint8Array): void => {
    if (used + bytes.length > buffer.length) flush();
    if (bytes.length > buffer.length) return write(bytes);
    buffer.set(bytes, used);
    used += bytes.length;
  };
  return { add, flush };
}

/** The items of a record. Kind `failed` when it is damaged. */
export async function* readRecord(path: string): AsyncGenerator<RecordItem> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of readFrames(path)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let item = parse(rest); item !== undefined; item = parse(rest)) {
      yield item.value;
      rest = rest.subarray(item.length);
    }
  }
  if (rest.length > 0) fail("failed", `Cannot read "${path}": it ends within an item`);
}

/** The first item of some bytes, when it is there as a whole. */
function parse(bytes: Buffer): { readonly value: RecordItem; readonly length: number } | undefined {
  if (bytes.length < 5) return undefined;
  const end = 5 + bytes.readUInt32LE(1);
  if (bytes[0] !== LITERAL && bytes[0] !== CONTENT) fail("failed", "Cannot read the record of a layer: it is damaged");
  if (bytes[0] === LITERAL) {
    return bytes.length < end ? undefined : { value: { kind: "literal", bytes: bytes.subarray(5, end) }, length: end };
  }
  if (bytes.length < end + FIXED) return undefined;
  const size = Number(bytes.readBigUInt64LE(end));
  return { value: { kind: "content", path: bytes.toString("utf8", 5, end), size, digest: bytes.subarray(end + 8, end + FIXED) }, length: end + FIXED };
}
