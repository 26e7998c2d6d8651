import { expect, test } from "bun:test";
import { check } from "./check.ts";
import { PROBLEM_CODES, type CheckResult } from "./kube.ts";
import { goldenCases } from "./testdata/golden.ts";
import { randomFrom, seed } from "./testdata/random.ts";

const ROUNDS = 2000;
console.log(`check fuzz seed ${seed}`);

const texts = [...goldenCases("good"), ...goldenCases("bad")].map(({ text }) => text);
const PIECES = ["[", "]", "{", "}", ": ", "- ", "\n", "  ", "\t", "&a ", "*a", "<<: *a", "!!str ", "!x ", "null", "~", "yes", "0644", "-1", "1e999", ".inf", '""', "'", '"', "|\n", ">-\n", "---\n", "...\n", "%YAML 9\n", "? ", "# ", "\0", "\ufeff", "🚣", "\ud800", "__proto__", "constructor: 1\n", "toString", "kind: List\nitems:\n", "[]", "{}", "a".repeat(300)];

type Mutation = (text: string, random: (below: number) => number) => string;
const splice = (text: string, at: number, remove: number, insert: string): string => text.slice(0, at) + insert + text.slice(at + remove);
const MUTATIONS: readonly Mutation[] = [
  (text, random) => splice(text, random(text.length + 1), random(8), ""),
  (text, random) => splice(text, random(text.length + 1), 0, PIECES[random(PIECES.length)] ?? ""),
  (text, random) => splice(text, random(text.length + 1), 1, String.fromCodePoint(random(256))),
  (text, random) => { const at = random(text.length + 1); return splice(text, random(text.length + 1), 0, text.slice(at, at + random(80))); },
  (text, random) => { const lines = text.split("\n"); lines.splice(random(lines.length), 1); return lines.join("\n"); },
  (text, random) => { const lines = text.split("\n"); const [line] = lines.splice(random(lines.length), 1); lines.splice(random(lines.length + 1), 0, line ?? ""); return lines.join("\n"); },
  (text, random) => text.replace(/: (\S+)/g, (whole) => (random(12) === 0 ? `: ${PIECES[random(PIECES.length)]}` : whole)),
  (text, random) => text.replace(/(\w+):/g, (whole) => (random(30) === 0 ? whole.slice(1) : whole)),
];

/** What holds of every answer, whatever was asked. */
function inspect(text: string, result: CheckResult): void {
  if (result.ok) {
    const again = check([{ file: "again", text: JSON.stringify({ apiVersion: "v1", kind: "List", items: result.checked.objects }) }]);
    expect(again.ok && JSON.stringify(again.checked.objects)).toBe(JSON.stringify(result.checked.objects));
    return;
  }
  const ends = text.split("\n").length + 1;
  expect(result.problems.length).toBeGreaterThan(0);
  for (const { line, column, message, code, path } of result.problems) {
    expect(line >= 1 && line <= ends && column >= 1 && message !== "" && !/\n|undefined|\[object/.test(message + path) && PROBLEM_CODES.includes(code)).toBe(true);
  }
}

test(`check answers whatever it is given (seed ${seed}, ${ROUNDS} rounds)`, () => {
  const random = randomFrom(seed);
  for (let round = 0; round < ROUNDS; round++) {
    let text = texts[random(texts.length)] ?? "";
    for (let times = random(4); times >= 0; times--) text = (MUTATIONS[random(MUTATIONS.length)] ?? ((same) => same))(text, random);
    try {
      inspect(text, check([{ file: "fuzz", text }]));
    } catch (thrown) {
      console.error(`round ${round} of seed ${seed}:\n${JSON.stringify(text)}`);
      throw thrown;
    }
  }
}, 60_000);
