/** docs/performance.md, in which each part of the measurements stands between markers of its own. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Facts } from "./facts.ts";

const DOCUMENT = resolve(import.meta.dir, "../docs/performance.md");

export const PARTS = ["play", "images", "rootless"] as const;
export type Part = (typeof PARTS)[number];
const markers = (part: Part): readonly [begin: string, end: string] => [`<!-- made by make bench, ${part}: begin -->`, `<!-- made by make bench, ${part}: end -->`];

/** A part as it stands in a report and in the document: what the numbers belong to, and the table. */
export function partText(part: Part, facts: Facts, rows: string): string {
  const [begin, end] = markers(part);
  return `${begin}\n\n${facts.map(([word, fact]) => `- ${word}: ${fact}`).join("\n")}\n\n${rows}\n\n${end}\n`;
}

/** The report for who reads it on a terminal. */
export const withoutMarkers = (report: string): string => report.replaceAll(/<!-- .* -->\n+/g, "");

/** Puts parts of a report into the document, in place of what stands there. */
export function writeParts(report: string, parts: readonly Part[]): void {
  writeFileSync(DOCUMENT, parts.reduce((text, part) => text.replace(between(text, part), () => between(report, part)), readFileSync(DOCUMENT, "utf8")));
}

/** What stands between the markers of a part. */
function between(text: string, part: Part): string {
  const [begin, end] = markers(part);
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot find the markers of "${part}" in "${DOCUMENT}" or in the report`);
  return text.slice(from + begin.length, to);
}
