/**
 * Plain (unquoted) YAML scalars as kubectl reads them. Its library, sigs.k8s.io/yaml, follows YAML 1.1 with these
 * differences, and so does wherry, that a file means the same to both:
 *   - `yes`, `no`, `on`, `off`, `y`, `n` are booleans, as in YAML 1.1;
 *   - `0644` is octal (420), `0x1F` and `0b11` and `0o17` work, `_` may separate digits; `08` is the number 8;
 *   - numbers to the base 60 (`1:30`), dates, and numbers that are too large are text.
 */
import type { Scalar } from "./tree.ts";

const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...cases(["y", "yes", "true", "on"], true),
  ...cases(["n", "no", "false", "off"], false),
  ...cases(["null"], null),
  ["", null],
  ["~", null],
  ...cases([".inf", "+.inf"], Number.POSITIVE_INFINITY),
  ...cases(["-.inf"], Number.NEGATIVE_INFINITY),
  [".nan", Number.NaN],
  [".NaN", Number.NaN],
  [".NAN", Number.NaN],
]);

/** Each word in small letters, with a capital, and in capitals. */
function cases(words: readonly string[], value: Scalar): [string, Scalar][] {
  return words.flatMap((word) =>
    [word, word.replace(/[a-z]/, (letter) => letter.toUpperCase()), word.toUpperCase()].map((form): [string, Scalar] => [form, value]),
  );
}

const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const INTEGERS: readonly (readonly [RegExp, number])[] = [
  [/^([-+]?)0[xX]([0-9a-fA-F]+)$/, 16],
  [/^([-+]?)0[bB]([01]+)$/, 2],
  [/^([-+]?)0[oO]?([0-7]+)$/, 8],
];

/** The value of a plain scalar. Numbers that JSON cannot hold (`.inf`, `.nan`) are returned as such. */
export function resolvePlain(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.\d]/.test(text)) return text;
  const digits = text.replaceAll("_", "");
  for (const [form, base] of INTEGERS) {
    const match = form.exec(digits);
    if (match !== null) return (match[1] === "-" ? -1 : 1) * Number.parseInt(match[2] ?? "", base);
  }
  const number = FLOAT.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(number) ? number : text;
}
