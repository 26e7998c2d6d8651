import { describe, expect, test } from "bun:test";
import { digestOf, type Member, tar } from "./fixtures.ts";
import { nameSum, TarReader, type Content, type TarSummary } from "./tarReader.ts";

const NO_LIMITS = { bytes: Number.MAX_SAFE_INTEGER, entries: Number.MAX_SAFE_INTEGER };
const members: readonly Member[] = [
  { name: "d/", type: "directory" }, { name: "d/f", content: "x".repeat(1300) }, { name: "short", content: "yy", pax: { path: "long" } },
  { name: "l", type: "symlink", link: "d/f" }, { name: ".wh.gone", content: "z" },
];

/** Pushes bytes in pieces of one size. */
function read(bytes: Uint8Array, { piece = bytes.length, limits = NO_LIMITS } = {}): TarSummary & { readonly contents: readonly Content[]; readonly literal: Buffer } {
  const contents: Content[] = [];
  const literals: Buffer[] = [];
  const reader = new TarReader({ literal: (part) => void literals.push(Buffer.from(part)), content: (content) => void contents.push(content) }, limits);
  for (let start = 0; start < bytes.length; start += piece) reader.push(bytes.subarray(start, start + piece));
  return { ...reader.end(), contents, literal: Buffer.concat(literals) };
}

describe("tarReader", () => {
  test.each([1, 7, 511, 512, 513, 5000])("TarReader tells contents from the rest, in pieces of %d bytes", (piece) => {
    const bytes = tar(members);
    const seen = read(bytes, { piece });
    expect(seen.contents.map(({ path, size, digest }) => [path, size, Buffer.from(digest).toString("hex")])).toEqual([
      ["d/f", 1300, digestOf("x".repeat(1300)).slice(7)], ["long", 2, digestOf("yy").slice(7)],
    ]);
    expect(seen.literal.length).toBe(bytes.length - 1302);
    const names = ["d/f", "long", "l", ".wh.gone"].reduce(nameSum, 0n);
    expect([seen.size, seen.entries, seen.exact, seen.attributes, seen.names]).toEqual([bytes.length, 5, true, false, names]);
  });

  test("TarReader counts what might be a header when it does not understand the archive", () => {
    const bytes = tar([{ name: "f", content: "x" }, ...members]);
    bytes.write("7777", 148);
    const seen = read(bytes);
    expect([seen.exact, seen.entries >= 5]).toEqual([false, true]);
    expect(() => read(bytes, { limits: { ...NO_LIMITS, entries: 4 } })).toThrow("it has more than 4 entries, which is the limit");
  });

  test("TarReader stops at each limit, and not before", () => {
    const bytes = tar(members);
    expect(read(bytes, { limits: { bytes: bytes.length, entries: 5 } }).entries).toBe(5);
    const code = (limits: typeof NO_LIMITS): unknown => {
      try {
        return read(bytes, { limits });
      } catch (thrown) {
        return thrown;
      }
    };
    expect(code({ ...NO_LIMITS, entries: 4 })).toMatchObject({ kind: "invalid", code: "EBOMB", hint: "set WHERRY_MAX_LAYER_ENTRIES to allow more" });
    expect(code({ ...NO_LIMITS, bytes: bytes.length - 1 })).toMatchObject({ kind: "invalid", code: "EBOMB", hint: "set WHERRY_MAX_LAYER_BYTES to allow more" });
  });
});
