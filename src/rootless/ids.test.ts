import { expect, test } from "bun:test";
import { addCommand, mapWords, rangesOf, requireRanges } from "./ids.ts";

const alice = { uid: 1000, gid: 1000, name: "alice" };

test("rangesOf() takes the user's lines by name and by number, and passes over everything else", () => {
  const text = "# comment\nbob:100000:65536\nalice:165536:65536\n1000:300000:1000\nalice:x:1\nalice:1:0\n";
  expect(rangesOf(text, alice)).toEqual([{ start: 165536, count: 65536 }, { start: 300000, count: 1000 }]);
});

test("mapWords() puts the user first and the ranges after it without a gap", () => {
  expect(mapWords(1000, [{ start: 100000, count: 10 }, { start: 200000, count: 5 }]).join(" ")).toBe("0 1000 1 1 100000 10 11 200000 5");
});

test("requireRanges() says which file gives nothing, and how to mend it", () => {
  expect(() => requireRanges({ uid: "alice:100000:65536\n", gid: "bob:165536:65536\n" }, alice)).toThrow('Cannot map the ids of user "alice": /etc/subgid gives it none, it should give 65536');
  expect(addCommand({ uid: "bob:100000:65536\n", gid: "" }, alice)).toBe("sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice");
});
