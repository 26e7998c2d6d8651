/**
 * argv → command and input. Grammar (kubectl's): options may stand before the command, between and after the words;
 * `-abc` groups switches, `-nNAME`, `-n NAME`, `-n=NAME`, `--name VALUE` and `--name=VALUE` give values; `--` ends options.
 */
import { parseArgs } from "node:util";
import { fail } from "../base/errors.ts";
import type { Command, Input, Option, Row, Word } from "./command.ts";
import { GLOBAL, NAMESPACE } from "./options.ts";
import { didYouMean } from "./suggest.ts";

/** Where argv leads: to a command, or to the help of the program or of a group (`image`). */
export type Resolved =
  | { readonly kind: "command"; readonly row: Row; readonly args: readonly string[] }
  | { readonly kind: "help"; readonly group: string; /** nothing was asked for: a usage error */ readonly missing: boolean };

/** Finds the command of an argv. Fails with kind `usage` on an unknown one. */
export function resolve(argv: readonly string[], table: readonly Row[]): Resolved {
  const start = leading(argv);
  const [first, second] = argv.slice(start);
  const asked = argv.slice(0, start).some((word) => word === "--help" || word === "-h");
  const version = argv.includes("--version") ? rowNamed("version", table) : undefined;
  if (first === undefined) return version === undefined ? { kind: "help", group: "", missing: !asked } : { kind: "command", row: version, args: [] };
  const exact = rowNamed(`${first} ${second ?? ""}`, table);
  if (exact !== undefined) return { kind: "command", row: exact, args: [...argv.slice(0, start), ...argv.slice(start + 2)] };
  const single = rowNamed(first, table);
  if (single !== undefined) return { kind: "command", row: single, args: [...argv.slice(0, start), ...argv.slice(start + 1)] };
  if (!table.some((row) => row.name.startsWith(`${first} `))) return unknown(first, "", table);
  if (second === undefined || second.startsWith("-")) return { kind: "help", group: first, missing: second !== "--help" && second !== "-h" };
  return unknown(second, `${first} `, table);
}

/** The row of a name or alias. */
export function rowNamed(name: string, table: readonly Row[]): Row | undefined {
  return table.find((row) => row.name === name || row.aliases?.includes(name) === true);
}

/** How many words of argv stand before the command: the options that every command understands, with their values. */
function leading(argv: readonly string[]): number {
  let index = 0;
  for (let word = argv[0]; word?.startsWith("-") === true && word !== "--"; word = argv[index]) {
    const option = [...GLOBAL, NAMESPACE].find((each) => word === `--${each.long}` || word === `-${each.short}`);
    index += option?.value === undefined ? 1 : 2;
  }
  return index;
}

function unknown(word: string, prefix: string, table: readonly Row[]): never {
  const visible = table.filter((row) => row.group !== "hidden").flatMap((row) => [row.name, ...(row.aliases ?? [])]);
  const known = visible.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length).split(" ")[0] ?? "");
  const hint = didYouMean(word, [...new Set(known)]).hint ?? "see wherry help";
  fail("usage", `Cannot run "${prefix}${word}": there is no such command`, { hint });
}

/** Values by option; a repeated one keeps all. */
interface Values {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
  readonly rest: readonly string[] | undefined;
}

/** Parses the arguments of a command. Fails with kind `usage`. `--help` is answered before words are checked. */
export function parse(args: readonly string[], command: Command): Input {
  const options = [...GLOBAL, ...command.options];
  const { values, words, rest } = tokens(args, options);
  const input: Input = {
    words: command.passthrough === true ? words : [...words, ...(rest ?? [])],
    rest: command.passthrough === true ? rest : undefined,
    flag: (long) => known(options, long).at(-1) === "true",
    text: (long) => known(options, long).at(-1),
    texts: (long) => known(options, long),
  };
  if (!input.flag("help")) checkWords(input.words, command.words);
  return input;

  function known(declared: readonly Option[], long: string): readonly string[] {
    if (!declared.some((option) => option.long === long)) throw new Error(`option --${long} is not declared`);
    return values.get(long) ?? [];
  }
}

function tokens(args: readonly string[], options: readonly Option[]): Values {
  const declared = Object.fromEntries(options.map((option) => [option.long, declaration(option)]));
  const parsed = parseArgs({ args: [...args], options: declared, allowPositionals: true, strict: false, tokens: true });
  const values = new Map<string, readonly string[]>();
  const words: string[] = [];
  let rest: string[] | undefined;
  for (const token of parsed.tokens) {
    if (token.kind === "option-terminator") rest = [];
    else if (token.kind === "positional") (rest ?? words).push(token.value);
    else {
      const option = options.find((each) => each.long === token.name);
      if (option === undefined) unknownOption(token.rawName, options);
      values.set(option.long, [...(values.get(option.long) ?? []), valueOf(option, token)]);
    }
  }
  return { values, words, rest };
}

function declaration(option: Option): { type: "string" | "boolean"; short?: string } {
  return { type: option.value === undefined ? "boolean" : "string", ...(option.short === undefined ? {} : { short: option.short }) };
}

function unknownOption(name: string, options: readonly Option[]): never {
  const hint = didYouMean(name, options.map((option) => `--${option.long}`)).hint ?? "see --help";
  fail("usage", `Cannot use option "${name}": there is no such option`, { hint });
}

function valueOf(option: Option, token: { readonly rawName: string; readonly value?: string | undefined; readonly inlineValue?: boolean | undefined }): string {
  const short = !token.rawName.startsWith("--");
  const value = short && token.inlineValue === true ? token.value?.replace(/^=/, "") : token.value;
  if (option.value === undefined) return switchValue(token.rawName, value ?? "true");
  if (value === undefined) fail("usage", `Cannot use option "${token.rawName}": its value ${option.value} is missing`);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    fail("usage", `Cannot use "${value}" for option "${token.rawName}": it must be one of ${option.choices.join(", ")}`, didYouMean(value, option.choices));
  }
  return value;
}

function switchValue(name: string, value: string): string {
  if (value !== "true" && value !== "false") fail("usage", `Cannot use "${value}" for option "${name}": it must be true or false`);
  return value;
}

function checkWords(given: readonly string[], declared: readonly Word[]): void {
  const missing = declared.find((word, index) => word.optional !== true && given[index] === undefined);
  if (missing !== undefined) fail("usage", `Cannot run the command: ${missing.name} is missing`, { hint: "see --help" });
  const extra = given[declared.length];
  if (extra !== undefined && declared.at(-1)?.repeat !== true) fail("usage", `Cannot use "${extra}": it is one word too many`, { hint: "see --help" });
}
