import { describe, expect, test } from "bun:test";
import { statSync, truncateSync, writeFileSync } from "node:fs";
import { scratch } from "./fixtures.ts";
import { frameWriter, readFrames, zeroTerminated } from "./frames.ts";

async function all(path: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(readFrames(path), (piece) => Buffer.from(piece)));
}

describe("frames", () => {
  test.each([0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])("frameWriter() keeps %d bytes", async (length) => {
    using at = scratch();
    const bytes = Buffer.from(Array.from({ length: length % 1000 }, (_, index) => index)).toString("latin1").repeat(1 + length / 1000);
    using file = frameWriter(`${at.path}/f`);
    file.write(Buffer.from(bytes, "latin1"));
    file.write(Buffer.from("end"));
    file.end();
    expect((await all(`${at.path}/f`)).toString("latin1") === `${bytes}end`).toBe(true);
  });

  test("readFrames() says when the file is damaged or not there", async () => {
    using at = scratch();
    using file = frameWriter(`${at.path}/f`);
    file.write(Buffer.alloc(1000, "abc"));
    file.end();
    for (const length of [statSync(`${at.path}/f`).size - 4, 10, 2, 0]) {
      truncateSync(`${at.path}/f`, length);
      await expect(all(`${at.path}/f`)).rejects.toMatchObject({ kind: "failed", code: "EDAMAGED" });
    }
    writeFileSync(`${at.path}/f`, "garbage of any length");
    await expect(all(`${at.path}/f`)).rejects.toMatchObject({ kind: "failed", code: "EDAMAGED" });
    await expect(all(`${at.path}/none`)).rejects.toMatchObject({ kind: "failed" });
  });

  test("zeroTerminated() finds lines across pieces", async () => {
    const pieces = async function* () {
      yield* ["a\0b", "c", "d\0\0e\0f"].map((text) => Buffer.from(text));
    };
    expect((await Array.fromAsync(zeroTerminated(pieces()))).flat().map(String)).toEqual(["a", "bcd", "", "e"]);
  });
});
