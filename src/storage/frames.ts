/**
 * Compressed files that are written and read as streams, so that their size is no matter: zstd frames, each behind its
 * length (u32, little endian), and a length of 0 at the end, so that a file that was cut off is told from a whole one.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { fail, messageOf, unless } from "../base/errors.ts";

export interface FrameWriter extends Disposable {
  /** The bytes are copied or written before it returns. */
  write(bytes: Uint8Array): void;
  /** Writes what is left. Without it the file is not complete. */
  end(): void;
}

const FRAME = 1 << 20;

/** Writes a new file at `path`. */
export function frameWriter(path: string): FrameWriter {
  const fd = openSync(path, "wx", 0o600);
  const block = Buffer.alloc(FRAME);
  let used = 0;
  const flush = (): void => {
    if (used > 0) writeFrame(fd, Bun.zstdCompressSync(block.subarray(0, used)));
    used = 0;
  };
  return {
    write(bytes) {
      for (let start = 0; start < bytes.length; ) {
        const part = bytes.subarray(start, start + FRAME - used);
        block.set(part, used);
        used += part.length;
        start += part.length;
        if (used === FRAME) flush();
      }
    },
    end() {
      flush();
      writeFrame(fd, new Uint8Array());
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function writeFrame(fd: number, frame: Uint8Array): void {
  const bytes = Buffer.concat([Buffer.alloc(4), frame]);
  bytes.writeUInt32LE(frame.length);
  for (let start = 0; start < bytes.length; ) start += writeSync(fd, bytes, start);
}

/** The content of a file that `frameWriter` wrote, in pieces. Kind `failed`, code `EDAMAGED`, when it is not there or not whole. */
export async function* readFrames(path: string): AsyncGenerator<Buffer> {
  const damaged = (how: string): never => fail("failed", `Cannot read "${path}": ${how}`, { code: "EDAMAGED" });
  const fd = unless("ENOENT", () => openSync(path, "r"), undefined) ?? damaged("it is missing");
  try {
    for (;;) {
      const length = read(fd, 4)?.readUInt32LE() ?? damaged("it is cut off");
      if (length === 0) return;
      const frame = (length < 2 * FRAME ? read(fd, length) : undefined) ?? damaged("it is cut off");
      yield await Bun.zstdDecompress(frame).catch((cause: unknown) => damaged(messageOf(cause)));
    }
  } finally {
    closeSync(fd);
  }
}

/** The next bytes of a file, undefined when there are not so many. */
function read(fd: number, length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length);
  return readSync(fd, bytes) === length ? bytes : undefined;
}

/** Splits a stream of bytes at its zero bytes. What comes in one piece goes out in one piece. */
export async function* zeroTerminated(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Buffer[]> {
  let rest = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([rest, chunk]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = all.indexOf(0); end >= 0; end = all.indexOf(0, start)) {
      lines.push(all.subarray(start, end));
      start = end + 1;
    }
    rest = Buffer.from(all.subarray(start));
    yield lines;
  }
}
