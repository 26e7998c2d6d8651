import { describe, expect, test } from "bun:test";
import { parse } from "./parse.ts";
import { valueOf } from "./tree.ts";

const read = (text: string) => parse({ file: "x.yaml", text });
const values = (text: string): readonly unknown[] => read(text).documents.map(valueOf);
const messages = (text: string): readonly string[] => read(text).complaints.map(({ at, message }) => `${at.line}:${at.column} ${message}`);

describe("parse", () => {
  test("parse reads several documents and skips empty ones", () => expect(values("---\n---\n# c\n---\na: 1\n...\n---\nnull\n---\nb: 2\n")).toEqual([{ a: 1 }, { b: 2 }]));
  test("parse reads JSON with tabs", () => expect(values('{\n\t"a": [1, true, null, "x"]\n}')).toEqual([{ a: [1, true, null, "x"] }]));
  test("parse takes a byte order mark away, and columns do not count it", () => {
    expect(values("\ufeffa: 1")).toEqual([{ a: 1 }]);
    expect(messages("\ufeffyes: 1")).toEqual(["1:1 key is the boolean true (written yes), should be text"]);
  });
  test("parse counts lines that end in CR LF", () => expect(messages("a: 1\r\nb: 2\r\na: 3\r\n")).toEqual(['3:1 key "a" is given twice in one mapping, first on line 1']));
  test("parse keeps the first of two equal keys, so that the rest is still checked", () => expect(values("a: 1\na: 2")).toEqual([{ a: 1 }]));
  test("parse resolves aliases and merges, own keys first", () => expect(values("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\ne: *x")).toEqual([{ a: { b: 1, c: 2 }, d: { b: 3, c: 2 }, e: { b: 1, c: 2 } }]));
  test("parse merges a list of mappings, the first wins", () => expect(values("a: {<<: [{b: 1}, {b: 2, c: 3}]}")).toEqual([{ a: { b: 1, c: 3 } }]));
  test("parse refuses to merge what is no mapping", () => expect(messages("a: {<<: 1}")).toEqual(['1:9 "<<" is the number 1, should be a mapping or a list of mappings']));
  test("parse obeys the tags of YAML itself", () => expect(values('a: !!str 1\nb: !!int "5"\nc: !!str\nd: ! x\ne: !!bool yes\nf: !!float 1\ng: !!null ""')).toEqual([{ a: "1", b: 5, c: "", d: "x", e: true, f: 1, g: null }]));
  for (const text of ["!!int x", "!!bool 1", "!!binary aGk=", "!own x", "!own {}", "!!omap []", "!!timestamp 2020-01-01"]) {
    test(`parse refuses the tag of "${text}"`, () => expect(messages(`a: ${text}`)).toEqual([expect.stringContaining("which does not fit here")]));
  }
  test("parse keeps keys like __proto__ and constructor as they are", () => {
    expect(Object.keys(Object(values("__proto__: {a: 1}\nconstructor: 2")[0]))).toEqual(["__proto__", "constructor"]);
  });
  test("parse keeps keys that are numbers only as they are written", () => {
    expect(values("8080: a\ntrue: b\n1.5: c")).toEqual([{ "8080": "a", true: "b", "1.5": "c" }]);
    expect(messages("0644: a\n~: b\n[x]: c")).toEqual(["1:1 key is the number 420 (written 0644), should be text", "2:1 key is empty, should be text", "3:1 key is a list, should be text"]);
  });
  test("parse refuses an alias in its own anchor and one without an anchor", () => expect(messages("a: &x [*x]\nb: *y")).toEqual(['1:8 alias "*x" contains itself', '2:4 alias "*y" has no anchor before it']));
  test("parse reads other documents when one is broken", () => {
    expect(values("a: 1\n---\nb: [\n---\nc: 1")).toEqual([{ a: 1 }, { c: 1 }]);
    expect(read("a: 1\n---\nb: [\n---\nc: 1").complaints).toHaveLength(1);
  });
  for (const [name, text] of [["a zero byte", "a: \0"], ["a control character", "a: \x07"], ["what was not UTF-8", "a: \ufffd"], ["half a surrogate pair", "a: \ud800"], ["a byte order mark inside", "a: 1\n\ufeffb: 2"]] as const) {
    test(`parse refuses ${name}`, () => expect(messages(text)).toEqual([expect.stringMatching(/should be UTF-8 text$/)]));
  }
  test("parse refuses an escaped half of a surrogate pair", () => expect(messages('a: "\\ud800"')).toEqual(["1:4 holds half of a surrogate pair, should be Unicode text"]));
  test("parse takes characters outside the basic plane", () => expect(values("a: 🚣")).toEqual([{ a: "🚣" }]));
});

describe("parse with hostile text", () => {
  const within = (text: string): readonly string[] => {
    const start = performance.now();
    const found = messages(text);
    expect(performance.now() - start).toBeLessThan(5000);
    return found;
  };
  test("parse refuses deep nesting", () => {
    for (const text of ["[".repeat(100_000), "- ".repeat(50_000), "{a: ".repeat(20_000), `${"[".repeat(150)}${"]".repeat(150)}`]) expect(within(text).length).toBe(1);
  });
  test("parse refuses aliases that multiply", () => {
    const level = (name: string, of: string): string => `${name}: &${name} [${Array.from({ length: 300 }, () => of).join(",")}]\n`;
    expect(within(level("a", "1") + level("b", "*a") + level("c", "*b") + level("d", "*c"))).toEqual([expect.stringContaining("is an alias too many")]);
  });
  test("parse refuses aliases that nest deeper and deeper", () => {
    const chain = Array.from({ length: 2000 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}]`).join("\n");
    expect(within(`a0: &a0 1\n${chain}`)[0]).toContain("is nested deeper than 100 levels");
  });
});
