import { describe, expect, test } from "bun:test";
import { resolvePlain } from "./scalars.ts";
import type { Scalar } from "./tree.ts";

/** As `kubectl` 1.32 reads them (compared with `kubectl annotate --local -o json`). */
const ROWS: readonly (readonly [string, Scalar])[] = [
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["yEs", "tRue", "nULL", "oN", "text", "1:30", "12:30:45", "2020-01-01", ".", "..", "-", "+", "1e", ".e3", "0x", "0o", "1e400", "_1", "- 1", "1 2"].map((word) => [word, word] as const),
  ["0", 0], ["1", 1], ["-1", -1], ["+1", 1], ["0644", 420], ["-0644", -420], ["0o17", 15], ["0x1F", 31], ["+0x1f", 31], ["0b11", 3], ["-0b11", -3],
  ["08", 8], ["09.5", 9.5], ["1_000", 1000], ["0_7", 7], ["0x_1", 1], [".5", 0.5], ["5.", 5], ["+.5", 0.5], ["1e3", 1000], ["1E+2", 100], ["0.1e-2", 0.001], [".1_0", 0.1],
  [".inf", Number.POSITIVE_INFINITY], ["+.Inf", Number.POSITIVE_INFINITY], ["-.INF", Number.NEGATIVE_INFINITY], [".NaN", Number.NaN],
];

describe("resolvePlain", () => {
  for (const [text, value] of ROWS) test(`resolvePlain reads "${text}" as ${JSON.stringify(value)}`, () => expect(resolvePlain(text)).toBe(value));
});
