import { describe, expect, test } from "bun:test";
import { lineOf, type Node, place, programSources, type Source, sources, SyntaxKind, walk } from "./sources.ts";

const FILE_LINES = 400;
const FUNCTION_LINES = 60;
const PARAMETERS = 3; // two, and an options object

/** What may be over a budget, each with its reason: files by path, functions by path and name. */
const EXEMPT: Readonly<Record<string, string>> = {
  "src/base/libc.ts check": "the call, its object and what it may fail with are said in one line at every system call",
  "src/base/libc.ts mount": "mirrors mount(2)",
  "src/base/paths.ts podLogDirectory": "the parts of one path, in their order",
  "src/storage/layerArchive.ts writeLayerArchive": "a layer is named by its store and its digest; the file is where it goes",
};

const FUNCTIONS = new Set([
  SyntaxKind.FunctionDeclaration, SyntaxKind.FunctionExpression, SyntaxKind.ArrowFunction, SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor, SyntaxKind.GetAccessor, SyntaxKind.SetAccessor,
]);

/** One function. */
interface Size {
  readonly where: string;
  /** `src/base/libc.ts mount` */
  readonly name: string;
  readonly lines: number;
  readonly parameters: number;
}

function functionsOf(source: Source): readonly Size[] {
  const found: Size[] = [];
  walk(source.tree, (node) => {
    if (!FUNCTIONS.has(node.kind) || isSuite(node, source)) return;
    const start = node.getStart(source.tree);
    found.push({ where: place(source, start), name: nameOf(node, source), lines: lineOf(source.text, node.end) - lineOf(source.text, start) + 1, parameters: parametersOf(node) });
  });
  return found;
}

/** A group of tests is a list, not a function. */
const isSuite = (node: Node, source: Source): boolean => /^describe\b/.test(textOf(node.parent, source));

const textOf = (node: Node, source: Source): string => source.text.slice(node.getStart(source.tree), node.end);

function nameOf(node: Node, source: Source): string {
  const named = node.kind === SyntaxKind.ArrowFunction ? textOf(node.parent, source) : textOf(node, source).replace(/^(export |async |function |static |get |set )+/, "");
  return `${source.path} ${/^#?\w+/.exec(named)?.[0] ?? ""}`;
}

function parametersOf(node: Node): number {
  let count = 0;
  node.forEachChild((child) => void (count += child.kind === SyntaxKind.Parameter ? 1 : 0));
  return count;
}

const lengthOf = ({ text }: Source): number => text.trimEnd().split("\n").length;
const quantile = (values: readonly number[], share: number): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

const program = await programSources();
const functions = program.flatMap(functionsOf);

describe("budgets", () => {
  test(`files have at most ${FILE_LINES} lines`, async () => {
    const all = (await sources()).filter(({ path }) => !path.includes("/generated/") && !(path in EXEMPT));
    expect(all.filter((source) => lengthOf(source) > FILE_LINES).map((source) => `${source.path}: ${lengthOf(source)}`)).toEqual([]);
  });

  test(`functions have at most ${FUNCTION_LINES} lines`, () => {
    expect(functions.filter(({ name, lines }) => lines > FUNCTION_LINES && !(name in EXEMPT)).map(({ where, lines }) => `${where}: ${lines}`)).toEqual([]);
  });

  test("functions have at most two parameters and an options object", () => {
    expect(functions.filter(({ name, parameters }) => parameters > PARAMETERS && !(name in EXEMPT)).map(({ where, parameters }) => `${where}: ${parameters}`)).toEqual([]);
  });

  test("exemptions are of what exists and needs one", () => {
    const over = [
      ...program.filter((source) => lengthOf(source) > FILE_LINES).map(({ path }) => path),
      ...functions.filter(({ lines, parameters }) => lines > FUNCTION_LINES || parameters > PARAMETERS).map(({ name }) => name),
    ];
    expect(Object.keys(EXEMPT).filter((each) => !over.includes(each))).toEqual([]);
  });

  test("medians are printed", () => {
    const files = program.map(lengthOf);
    const lines = functions.map((each) => each.lines);
    console.log(`files: ${files.length}, median ${quantile(files, 0.5)} lines, p90 ${quantile(files, 0.9)}; functions: median ${quantile(lines, 0.5)}, p90 ${quantile(lines, 0.9)}`);
    expect(files.length).toBeGreaterThan(0);
  });
});
