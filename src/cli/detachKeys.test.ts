import { describe, expect, test } from "bun:test";
import { parseDetachKeys, untilDetached } from "./detachKeys.ts";

test("parseDetachKeys() reads docker's words", () => {
  expect([...parseDetachKeys("ctrl-p,ctrl-q")]).toEqual([16, 17]);
  expect([...parseDetachKeys("a,CTRL-@,ctrl-]")]).toEqual([97, 0, 29]);
  expect([...parseDetachKeys("")]).toEqual([]);
});

test("parseDetachKeys() refuses what is no key", () => {
  for (const text of ["ctrl-1", "ab", "ctrl-p,", " ", "é"]) expect(() => parseDetachKeys(text)).toThrow("Cannot use");
});

describe("untilDetached", () => {
  const table: readonly (readonly [keys: string, chunks: readonly string[], seen: string, detached: boolean])[] = [
    ["a,b", ["hello"], "hello", false],
    ["a,b", ["xab", "never"], "x", true],
    ["a,b", ["xa", "by"], "x", true],
    ["a,b", ["xa", "cab"], "xac", true],
    ["a,b", ["aab"], "a", true],
    ["a,b", ["xa"], "xa", false],
    ["a", ["xa"], "x", true],
    ["", ["ab"], "ab", false],
  ];
  for (const [keys, chunks, seen, detached] of table) {
    test(`untilDetached() with keys "${keys}" passes "${seen}" of ${JSON.stringify(chunks)} on`, async () => {
      const input = (async function* () {
        for (const chunk of chunks) yield Buffer.from(chunk);
      })();
      const output = untilDetached(input, parseDetachKeys(keys));
      let text = "";
      for (let next = await output.next(); ; next = await output.next()) {
        if (next.done === true) {
          expect(next.value).toBe(detached);
          break;
        }
        text += Buffer.from(next.value).toString();
      }
      expect(text).toBe(seen);
    });
  }
});
