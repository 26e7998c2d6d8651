/** What is done to one place of the largest manifest, and what the check must answer. */
import { FIELDS } from "../generated/fields.ts";
import { isMap } from "./maximal.ts";
import type { Block, Piece } from "./blockYaml.ts";

export type Random = (below: number) => number;

export interface Mutated {
  readonly text: string;
  /** `same`: accepted with the same objects. `refused`: with a problem on that line, of that code when there is one. `any`: whatever is true. */
  readonly expect: { readonly is: "same" } | { readonly is: "any" } | { readonly is: "refused"; readonly line: number; readonly code?: string };
}

export type Mutation = (block: Block, piece: Piece, random: Random) => Mutated | undefined;

const pick = <T>(values: readonly T[], random: Random): T | undefined => values[random(values.length)];

/** The text with lines `first` to `last` replaced. */
function replaced({ lines }: Block, { first, last }: { readonly first: number; readonly last: number }, by: readonly string[]): string {
  return [...lines.slice(0, first - 1), ...by, ...lines.slice(last)].join("\n") + "\n";
}

const head = ({ indent, key }: Piece): string => (key === undefined ? `${indent}-` : `${indent}${JSON.stringify(key)}:`);
const isScalar = ({ value }: Piece): boolean => typeof value !== "object";
const rewritten = (block: Block, piece: Piece, value: string): string => replaced(block, piece, [`${head(piece)} ${value}`]);

const WRONG = {
  string: ["12", "1.5", "true", "[a]", "{a: 1}", "[]", "{}", "-0x1f", "[[a]]"],
  number: ['"1"', "1.5", "true", "[1]", "{a: 1}", "word", "1e999", "- 1"],
  boolean: ['"true"', "1", "yes", "[true]", "{}", "word", "TRUE "],
  map: ["word", "12", "true", "[a: 1]", '""'],
  list: ["word", "12", "true", "{a: 1}", '""'],
} as const;

const kindOf = (value: unknown): keyof typeof WRONG => {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return typeof value === "string" ? "string" : typeof value === "number" ? "number" : "boolean";
  return isMap(value) ? "map" : "list";
};

/** Without them, what is missing is told at the object. */
const OBJECT_KEYS = new Set(["apiVersion", "kind"]);

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  wrongType(block, piece, random) {
    // A list item's type stands with its list; numbers and text of a quantity are both right.
    if (/^(quantity|scalar)/.test(piece.reference) || piece.parent === "") return undefined;
    const wrong = pick(WRONG[kindOf(piece.value)], random) ?? "";
    // Words of YAML 1.1, which Kubernetes reads.
    const accepted = kindOf(piece.value) === "boolean" && ["yes", "TRUE "].includes(wrong);
    return { text: rewritten(block, piece, wrong), expect: accepted ? { is: "any" } : { is: "refused", line: piece.first } };
  },
  misspelt(block, piece, random) {
    const { key, parent } = piece;
    if (key === undefined || parent === "") return undefined;
    const at = random(key.length);
    const spelt = pick([`${key}x`, key.slice(0, at) + key.slice(at + 1), key.toUpperCase(), `${key} `, `x-${key}`], random) ?? "";
    if (spelt === "" || Object.hasOwn(FIELDS[parent] ?? {}, spelt)) return undefined;
    const lines = block.lines.slice(piece.first - 1, piece.last).map((line, index) => (index === 0 ? line.replace(JSON.stringify(key), JSON.stringify(spelt)) : line));
    return { text: replaced(block, piece, lines), expect: OBJECT_KEYS.has(key) ? { is: "any" } : { is: "refused", line: piece.first, code: "unknown-field" } };
  },
  misplaced(block, piece, random) {
    const { parent } = piece;
    const field = pick(Object.keys(FIELDS[pick(Object.keys(FIELDS), random) ?? ""] ?? {}), random);
    if (field === undefined || parent === "" || Object.hasOwn(FIELDS[parent] ?? {}, field)) return undefined;
    const line = `${piece.indent}${field}: ${pick(["1", "{}", "[]", "word", "null"], random)}`;
    return { text: replaced(block, { first: piece.first, last: piece.first - 1 }, [line]), expect: { is: "refused", line: piece.first, code: "unknown-field" } };
  },
  missing(block, piece) {
    return { text: replaced(block, piece, []), expect: { is: "any" } };
  },
  empty(block, piece, random) {
    return { text: rewritten(block, piece, pick(["", "null", "~", '""', "[]", "{}"], random) ?? ""), expect: { is: "any" } };
  },
  twice(block, piece) {
    if (piece.key === undefined) return undefined;
    const lines = block.lines.slice(piece.first - 1, piece.last);
    return { text: replaced(block, piece, [...lines, ...lines]), expect: { is: "refused", line: piece.last + 1, code: "duplicate" } };
  },
  anchored(block, piece) {
    return isScalar(piece) ? { text: rewritten(block, piece, `&anchor ${JSON.stringify(piece.value)}`), expect: { is: "same" } } : undefined;
  },
  withoutAnchor(block, piece) {
    return isScalar(piece) ? { text: rewritten(block, piece, "*nothing"), expect: { is: "refused", line: piece.first, code: "syntax" } } : undefined;
  },
  tagged(block, piece, random) {
    return isScalar(piece) ? { text: rewritten(block, piece, `${pick(["!!binary", "!own", "!!set", "!!timestamp"], random)} ${JSON.stringify(piece.value)}`), expect: { is: "any" } } : undefined;
  },
  huge(block, piece, random) {
    return { text: rewritten(block, piece, pick([`"${"a".repeat(300_000)}"`, "9".repeat(400), `-${"9".repeat(30)}`, "1e308", "9007199254740993", `[${"a,".repeat(5_000)}]`], random) ?? ""), expect: { is: "any" } };
  },
  deep(block, piece, random) {
    const [open, close] = pick([["[", "]"], ["{a: ", "}"]] as const, random) ?? ["[", "]"];
    const depth = pick([60, 200, 1_000, 3_000], random) ?? 0;
    // Where a document's kind is, or keys are free, the complaint is about more than the line.
    return { text: rewritten(block, piece, open.repeat(depth) + close.repeat(depth)), expect: { is: "refused", line: piece.first } };
  },
  tabbed(block, piece) {
    if (piece.indent === "") return undefined;
    const line = block.lines[piece.first - 1] ?? "";
    return { text: replaced(block, { first: piece.first, last: piece.first }, [`\t${line.trimStart()}`]), expect: { is: "refused", line: piece.first, code: "syntax" } };
  },
  strange(block, piece, random) {
    const line = block.lines[piece.first - 1] ?? "";
    const at = random(line.length + 1);
    const character = pick(["\0", "\u0007", "\ufffd", "\ud800", "\ufeff", "\x7f"], random) ?? "";
    return { text: replaced(block, { first: piece.first, last: piece.first }, [line.slice(0, at) + character + line.slice(at)]), expect: { is: "refused", line: piece.first, code: "syntax" } };
  },
  prototype(block, piece, random) {
    if (piece.key === undefined) return undefined;
    const name = pick(["__proto__", "constructor", "toString", "hasOwnProperty"], random) ?? "";
    const expect = piece.parent === "" ? { is: "any" } as const : { is: "refused", line: piece.first, code: "unknown-field" } as const;
    return { text: replaced(block, { first: piece.first, last: piece.first - 1 }, [`${piece.indent}${name}: {a: 1}`]), expect };
  },
};

/** The same text in other bytes, as a file would be read: accepted as the same, or refused. */
export function encodings(text: string): readonly { readonly name: string; readonly text: string; readonly expect: "same" | "syntax" }[] {
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
  const swapped = Buffer.from(utf16).swap16();
  const utf32 = Buffer.concat([...`\ufeff${text}`].map((character) => {
    const unit = Buffer.alloc(4);
    unit.writeUInt32LE(character.codePointAt(0) ?? 0);
    return unit;
  }));
  return [
    { name: "UTF-8 with a byte order mark", text: `\ufeff${text}`, expect: "same" },
    { name: "CRLF", text: text.replaceAll("\n", "\r\n"), expect: "same" },
    { name: "UTF-16LE", text: utf16.toString("utf8"), expect: "syntax" },
    { name: "UTF-16BE", text: swapped.toString("utf8"), expect: "syntax" },
    { name: "UTF-32LE", text: utf32.toString("utf8"), expect: "syntax" },
    { name: "UTF-32BE", text: utf32.swap32().toString("utf8"), expect: "syntax" },
    { name: "Latin-1", text: Buffer.from(text.replace("any text", "Müll"), "latin1").toString("utf8"), expect: "syntax" },
    { name: "a zero byte at the end", text: `${text}\0`, expect: "syntax" },
  ];
}
