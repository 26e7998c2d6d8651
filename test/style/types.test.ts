import { describe, expect, test } from "bun:test";
import { lineOf, type Node, place, programSources, type Source, sources, SyntaxKind, walk } from "./sources.ts";

const program = await programSources();

/** Places in `all` that hold a node for which `wrong` says so. */
function placesOf(all: readonly Source[], wrong: (node: Node, source: Source) => boolean): readonly string[] {
  return all.flatMap((source) => {
    const found: string[] = [];
    walk(source.tree, (node) => {
      if (wrong(node, source)) found.push(`${place(source, node.getStart(source.tree))}: ${source.text.slice(node.getStart(source.tree), node.end).split("\n")[0]}`);
    });
    return found;
  });
}

/** A cast is said to be one where the type is checked by other means: by a comment on its line or the line above. */
function explained(node: Node, source: Source): boolean {
  const lines = source.text.split("\n");
  const first = lineOf(source.text, node.getStart(source.tree));
  const last = lineOf(source.text, node.end);
  return lines.slice(first - 2, last).some((line) => /(^|\s)(\/\/|\/\*|\*)/.test(line));
}

const isConst = (node: Node, source: Source): boolean => /\bas\s+const$/.test(source.text.slice(node.getStart(source.tree), node.end));

describe("types", () => {
  test("any is written nowhere", async () => {
    expect(placesOf(await sources(), (node) => node.kind === SyntaxKind.AnyKeyword)).toEqual([]);
  });

  test("non-null assertions are written nowhere", async () => {
    expect(placesOf(await sources(), (node) => node.kind === SyntaxKind.NonNullExpression)).toEqual([]);
  });

  test("@ts-ignore and its kin are written nowhere", async () => {
    const directive = /@ts-(?:ignore|nocheck|expect-error)/;
    expect((await sources()).filter(({ path, text }) => path !== "test/style/types.test.ts" && directive.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("casts have a comment that gives the reason", () => {
    const cast = (node: Node, source: Source): boolean =>
      (node.kind === SyntaxKind.AsExpression && !isConst(node, source)) || node.kind === SyntaxKind.TypeAssertionExpression;
    expect(placesOf(program, (node, source) => cast(node, source) && !explained(node, source))).toEqual([]);
  });

  test("enums and namespaces are written nowhere", async () => {
    expect(placesOf(await sources(), (node) => node.kind === SyntaxKind.EnumDeclaration || node.kind === SyntaxKind.ModuleDeclaration)).toEqual([]);
  });

  test("only main.ts reads the environment and exits the process", () => {
    const forbidden = /^process\.(env|exit|exitCode)$/;
    expect(placesOf(program.filter(({ path }) => path !== "src/main.ts"), (node, source) =>
      node.kind === SyntaxKind.PropertyAccessExpression && forbidden.test(source.text.slice(node.getStart(source.tree), node.end)))).toEqual([]);
    expect(placesOf(program.filter(({ path }) => path !== "src/main.ts"), (node, source) =>
      node.kind === SyntaxKind.PropertyAccessExpression && /^Bun\.env$/.test(source.text.slice(node.getStart(source.tree), node.end)))).toEqual([]);
  });
});
