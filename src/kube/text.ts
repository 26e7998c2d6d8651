/** What a manifest's text may be made of, before anything reads it as YAML. */
import type { Position } from "./tree.ts";

/** YAML 1.2 c-printable, without the byte order mark (only the first character may be one) and U+FFFD (see below). */
const STRANGE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffc\u{10000}-\u{10ffff}]/u;

/** The text without a byte order mark. */
export function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/**
 * The first character that does not belong into a manifest, and what it tells. U+FFFD is what bytes that are not UTF-8
 * become when they are read; zero characters are what UTF-16 becomes.
 */
export function strangeCharacter(text: string): { readonly at: Position; readonly message: string } | undefined {
  const match = STRANGE.exec(text);
  if (match === null) return undefined;
  const before = text.slice(0, match.index).split("\n");
  return { at: { line: before.length, column: (before.at(-1) ?? "").length + 1 }, message: `${nature(match[0])}, should be UTF-8 text` };
}

function nature(character: string): string {
  if (character === "\ufffd") return "holds bytes that are not UTF-8";
  if (character === "\0") return "holds a zero byte";
  return `holds the character U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
