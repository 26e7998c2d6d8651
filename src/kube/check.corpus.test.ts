import { expect, test } from "bun:test";
import { check } from "./check.ts";
import { FIELDS } from "./generated/fields.ts";
import { PROBLEM_CODES, type CheckResult } from "./kube.ts";
import { KINDS } from "./objects.ts";
import { rowOf } from "./table/table.ts";
import { blockYaml, type Block } from "./testdata/blockYaml.ts";
import { isMap, maximal, targetOf } from "./testdata/maximal.ts";
import { encodings, type Mutated, MUTATIONS } from "./testdata/mutations.ts";
import { randomFrom, seed } from "./testdata/random.ts";

const ROUNDS = 800;
/** Milliseconds; the rounds that are over by then do. */
const BUDGET = 10_000;

const answer = (text: string): CheckResult => check([{ file: "corpus", text }]);
const objectsOf = (result: CheckResult): string => (result.ok ? JSON.stringify(result.checked.objects) : result.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`).join("\n"));

const block: Block = blockYaml(maximal());
const text = `${block.lines.join("\n")}\n`;
const objects = objectsOf(answer(text));

/** Every field that a manifest may hold and that runs, as `Type.field`. */
function running(): ReadonlySet<string> {
  const types = new Set<string>(KINDS);
  const found = new Set<string>();
  for (const type of types) {
    for (const [field, reference] of Object.entries(FIELDS[type] ?? {})) {
      if (rowOf(type, field)?.effect !== "runs") continue;
      found.add(`${type}.${field}`);
      if (Object.hasOwn(FIELDS, targetOf(reference))) types.add(targetOf(reference));
    }
  }
  return found;
}

function present(value: unknown, type: string, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) present(item, type, found);
  if (!isMap(value)) return;
  for (const [field, inner] of Object.entries(value)) {
    found.add(`${type}.${field}`);
    present(inner, targetOf(FIELDS[type]?.[field] ?? ""), found);
  }
}

test("the largest manifest has every field that runs", () => {
  const found = new Set<string>();
  for (const object of maximal()) present(object, String(object["kind"]), found);
  expect([...running()].filter((field) => !found.has(field))).toEqual([]);
});

test("check accepts the largest manifest", () => {
  expect(answer(text).ok ? "" : objects).toBe("");
});

test("check keeps its messages short, however long the text is that they are about", () => {
  const long = JSON.stringify("a".repeat(300_000));
  for (const given of ['"namespace": "trade"', '"type": "Opaque"', '"type": "kubernetes.io/dockerconfigjson"', '"name": "config"', '"value": "text"']) {
    expect(text).toContain(given);
    const mutated = text.replaceAll(given, `${given.split(":")[0]}: ${long}`);
    inspect(mutated, answer(mutated));
  }
});

/** What holds of every answer. */
function inspect(mutated: string, result: CheckResult): void {
  if (result.ok) {
    const again = check([{ file: "again", text: JSON.stringify({ apiVersion: "v1", kind: "List", items: result.checked.objects }) }]);
    expect(objectsOf(again)).toBe(objectsOf(result));
    return;
  }
  const end = mutated.split("\n").length + 1;
  expect(result.problems.length).toBeGreaterThan(0);
  const odd = result.problems.filter(({ line, column, message, code, path }) => !(line >= 1 && line <= end && column >= 1 && message !== "" && message.length < 2_000 && !/\n|undefined|\[object/.test(message + path) && PROBLEM_CODES.includes(code)));
  expect(odd).toEqual([]);
}

function judge({ text: mutated, expect: expected }: Mutated): void {
  const result = answer(mutated);
  inspect(mutated, result);
  if (expected.is === "same") expect(objectsOf(result)).toBe(objects);
  if (expected.is !== "refused") return;
  expect(result.ok).toBe(false);
  const { line, code } = expected;
  const there = result.ok ? [] : result.problems.filter((problem) => problem.line === line && (code === undefined || problem.code === code));
  if (there.length === 0) expect(objectsOf(result)).toBe(`a problem ${code ?? ""} on line ${line}`);
}

test(`check answers every mutation of the largest manifest, at its line (seed ${seed})`, () => {
  const random = randomFrom(seed);
  const names = Object.keys(MUTATIONS);
  const end = performance.now() + BUDGET;
  let rounds = 0;
  for (; rounds < ROUNDS && performance.now() < end; rounds += 1) {
    const name = names[random(names.length)] ?? "";
    const piece = block.pieces[random(block.pieces.length)];
    const mutated = piece === undefined ? undefined : MUTATIONS[name]?.(block, piece, random);
    if (mutated === undefined || piece === undefined) continue;
    try {
      judge(mutated);
    } catch (thrown) {
      console.error(`round ${rounds} of seed ${seed}: ${name} at line ${piece.first}: ${mutated.text.split("\n").slice(piece.first - 2, piece.first + 2).map((line) => line.slice(0, 200)).join("\n")}`);
      throw thrown;
    }
  }
  console.log(`check corpus seed ${seed}: ${rounds} rounds`);
}, 60_000);

for (const encoding of encodings(text)) {
  test(`check ${encoding.expect === "same" ? "accepts" : "refuses"} the largest manifest in ${encoding.name}`, () => {
    const result = answer(encoding.text);
    inspect(encoding.text, result);
    if (encoding.expect === "same") expect(objectsOf(result)).toBe(objects);
    else expect(result.ok ? "" : result.problems.map(({ code }) => code)).toEqual(["syntax"]);
  });
}
