import { describe, expect, test } from "bun:test";
import { folderOf, type Node, place, programSources, type Source, SyntaxKind, children } from "./sources.ts";

const program = await programSources();

/** The file that defines the words of its folder is named after it. */
const isContract = ({ path }: Source): boolean => path === `src/${folderOf(path)}/${folderOf(path)}.ts`;

/** Types that say it all in their name and fields need no sentence; functions and classes do. */
const needsWords = (node: Node): boolean => node.kind === SyntaxKind.FunctionDeclaration || node.kind === SyntaxKind.ClassDeclaration;

/** Exported functions and classes without a comment above them. */
function undocumented(source: Source): readonly string[] {
  const lines = source.text.split("\n");
  const textOf = (node: Node): string => source.text.slice(node.getStart(source.tree), node.end);
  const exported = children(source.tree).filter((node) => needsWords(node) && textOf(node).startsWith("export "));
  return exported
    .filter((node) => !commented(lines, lineAbove(node, source)))
    .map((node) => `${place(source, node.getStart(source.tree))}: ${textOf(node).split("\n")[0]}`);
}

const lineAbove = (node: Node, source: Source): number => source.text.slice(0, node.getStart(source.tree)).split("\n").length - 2;

function commented(lines: readonly string[], above: number): boolean {
  return /\*\/\s*$|^\s*\/\//.test(lines[above] ?? "");
}

describe("documentation", () => {
  test("exported functions and classes of contract files have a docstring", () => {
    expect(program.filter(isContract).flatMap(undocumented)).toEqual([]);
  });

  test("contract files begin by saying what they are about", () => {
    expect(program.filter(isContract).filter(({ text }) => !text.startsWith("/**")).map(({ path }) => path)).toEqual([]);
  });

  test("exported functions elsewhere that have no docstring are few, and printed", () => {
    const missing = program.filter((source) => !isContract(source)).flatMap(undocumented);
    for (const each of missing) console.log(`no docstring: ${each}`);
    expect(missing.length).toBeLessThan(program.length);
  });
});
