/** A file that another process is still writing, read along: so that a layer is unpacked while it comes. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { fail } from "../base/errors.ts";

export interface Growing extends Disposable {
  /** A path to it whatever it is renamed to, or when it is gone; for as long as it is not disposed of. */
  readonly path: string;
  readonly inode: number;
  /** It has been written to. */
  grew(): void;
  /** What there is now is all of it. */
  whole(): void;
  /** Nothing more will come, and it is not all. */
  lost(): void;
  /** Resolves when there are so many bytes, or all. False when it is lost before. */
  has(bytes: number): Promise<boolean>;
  /** Its bytes to the end. Fails with kind `failed` when it is lost before. */
  bytes(): AsyncGenerator<Uint8Array>;
  /** How many of them have been read. */
  position(): number;
}

/** Bytes that are read at once. */
const CHUNK = 256 * 1024;

/** Opens a file that grows. */
export function openGrowing(path: string): Growing {
  const fd = openSync(path, "r");
  let state: "growing" | "whole" | "lost" = "growing";
  let read = 0;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const each of all) each();
  };
  const become = (next: "whole" | "lost"): void => {
    if (state === "growing") state = next;
    wake();
  };
  const change = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  return {
    path: `/proc/${process.pid}/fd/${fd}`,
    inode: fstatSync(fd).ino,
    grew: wake,
    whole: () => become("whole"),
    lost: () => become("lost"),
    position: () => read,
    async has(bytes) {
      while (state === "growing" && fstatSync(fd).size < bytes) await change();
      return state !== "lost";
    },
    async *bytes() {
      for (;;) {
        const ended = state; // asked before reading: what is written until then is read
        const chunk = Buffer.allocUnsafe(CHUNK);
        const count = readSync(fd, chunk, 0, CHUNK, read);
        read += count;
        if (count > 0) yield chunk.subarray(0, count);
        else if (ended === "whole") return;
        else if (ended === "lost") fail("failed", "Cannot read the archive: it has not come whole", { context: { transient: true } });
        else await change();
      }
    },
    [Symbol.dispose]() {
      become("lost");
      closeSync(fd);
    },
  };
}
