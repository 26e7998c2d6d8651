import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { CHECKOUT, type Node, place, programSources, projectFiles, read, type Source, SyntaxKind, walk, children } from "./sources.ts";

const program = await programSources();

/** Literal text of a message, `…` for what is filled in; undefined when it is not written in place. */
function messageText(node: Node, source: Source): string | undefined {
  const text = source.text.slice(node.getStart(source.tree), node.end);
  if (node.kind === SyntaxKind.StringLiteral) return text.slice(1, -1);
  if (node.kind === SyntaxKind.NoSubstitutionTemplateLiteral) return text.slice(1, -1);
  if (node.kind !== SyntaxKind.TemplateExpression) return undefined;
  const [head, ...spans] = children(node);
  const tails = spans.map((span) => children(span).at(-1)).map((tail) => (tail === undefined ? "" : source.text.slice(tail.getStart(source.tree) + 1, tail.end)));
  const first = head === undefined ? "" : source.text.slice(head.getStart(source.tree) + 1, head.end);
  return [first.replace(/\$\{$/, ""), ...tails.map((tail) => tail.replace(/(\$\{|`)$/, ""))].join("…");
}

/** Messages of `fail(kind, message)` and `new WherryError(kind, message)`, with their places. */
function messages(): readonly { readonly where: string; readonly message: string }[] {
  return program.flatMap((source) => {
    const found: { where: string; message: string }[] = [];
    walk(source.tree, (node) => {
      const start = node.getStart(source.tree);
      const call = /^(fail|new WherryError)\(/.test(source.text.slice(start, start + 20));
      if (!call || (node.kind !== SyntaxKind.CallExpression && node.kind !== SyntaxKind.NewExpression)) return;
      const [, , message] = children(node);
      const text = message === undefined ? undefined : messageText(message, source);
      if (text !== undefined) found.push({ where: place(source, start), message: text });
    });
    return found;
  });
}

describe("words", () => {
  test("error messages say what cannot be done, then what is and what should be, without a final period", () => {
    const grammar = /^Cannot ([a-z]|…)[^:]*(:|…)[\s\S]*[^.\s]$/;
    /** The end of a sentence that the caller begins, and sentences that users of Kubernetes know from the kubelet. */
    const elsewhere = /^(it |"…": |Container image "…" is not present|container(?:'s)? (?:has )?runAs|failed to construct FQDN |create user namespace: )/;
    const wrong = messages().filter(({ message }) => !grammar.test(message) && !elsewhere.test(message));
    expect(wrong.map(({ where, message }) => `${where}: ${message}`)).toEqual([]);
  });

  test("no file names the place it was written in, or a registry that packages came from", () => {
    const parent = dirname(CHECKOUT);
    const places = [
      // A checkout in / or in somebody's home says nothing about a workplace.
      ...(parent.split("/").length > 1 && parent !== "/" && !/^\/(home|root|tmp|usr|srv|var|opt)(\/|$)/.test(parent) ? [`${parent}/`] : []),
      `..${"/shared"}`,
      `${"/work"}/`,
      `/.${"library"}/`,
    ];
    const lock = /"resolved":\s*"https?:\/\/(?!registry\.npmjs\.org\/)/;
    const wrong = projectFiles().filter((path) => !/\.(png|tar|gz|bin)$/.test(path)).flatMap((path) => {
      const text = read(path);
      const named = path === "package-lock.json" ? (lock.test(text) ? ["a registry other than npm's own"] : []) : places.filter((each) => text.includes(each));
      return named.map((each) => `${path}: ${each}`);
    });
    expect(wrong).toEqual([]);
  });

  test("nothing is left half done", () => {
    const loose = /\b(?:TODO|FIXME|XXX|HACK)\b|not implemented/;
    expect(program.filter(({ text }) => loose.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("folders and files are called after what they hold", () => {
    expect(projectFiles().filter((path) => /(^|\/)(utils?|helpers?|common|misc)(\.ts|\/)/.test(path))).toEqual([]);
  });
});
