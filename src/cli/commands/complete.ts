/** `wherry __complete -- WORD…`: what the last word may become. Asked by the scripts of `wherry completion`. */
import type { Command, Option, Outcome, Row, Word } from "../command.ts";
import type { Context } from "../context.ts";
import { liveNames } from "../liveNames.ts";
import { GLOBAL } from "../options.ts";
import { type Resolved, resolve } from "../parse.ts";

/** A word and what it means. */
type Candidate = readonly [word: string, summary: string];

/** The command; it is handed the table that it completes and stands in. */
export const completeFrom = (table: readonly Row[]): Command => ({
  options: [],
  words: [{ name: "WORD", optional: true, repeat: true }],
  async run(context, input): Promise<Outcome> {
    const current = input.words.at(-1) ?? "";
    const candidates = await candidatesFor(context, { before: input.words.slice(0, -1), current }, table);
    const fitting = candidates.filter(([word]) => word.startsWith(current) || word === ":files");
    return { kind: "text", text: fitting.map(([word, summary]) => `${word}\t${summary}`.trimEnd()).join("\n") };
  },
});

interface Position {
  readonly before: readonly string[];
  readonly current: string;
}

async function candidatesFor(context: Context, position: Position, table: readonly Row[]): Promise<readonly Candidate[]> {
  const resolved = leadsTo(position.before, table);
  if (resolved === undefined) return [];
  if (resolved.kind === "help") return position.current.startsWith("-") ? optionNames(GLOBAL) : commandNames(table, resolved.group);
  const command = await resolved.row.load();
  const options = [...GLOBAL, ...command.options];
  const inline = /^(--[^=]+)=/.exec(position.current);
  const asked = optionAt(options, inline?.[1] ?? position.before.at(-1) ?? "");
  if (inline !== null || (asked?.value !== undefined && !position.before.includes("--"))) {
    const values = asked === undefined ? [] : await optionValues(context, asked, resolved.args);
    return values.map(([word, summary]) => [`${inline?.[0] ?? ""}${word}`, summary]);
  }
  if (position.current.startsWith("-")) return optionNames(options);
  return positional(context, command, { args: resolved.args, options });
}

/** Where the words so far lead; undefined when they lead nowhere. */
function leadsTo(before: readonly string[], table: readonly Row[]): Resolved | undefined {
  try {
    return resolve(before, table);
  } catch {
    return undefined;
  }
}

function commandNames(table: readonly Row[], group: string): readonly Candidate[] {
  const prefix = group === "" ? "" : `${group} `;
  const rows = table.filter((row) => row.group !== "hidden" && row.name.startsWith(prefix));
  const names = rows.map((row): Candidate => {
    const [first = "", second] = row.name.slice(prefix.length).split(" ");
    return [first, second === undefined ? row.summary : `commands of ${first}`];
  });
  return [...new Map(names)];
}

const optionNames = (options: readonly Option[]): readonly Candidate[] => options.map((option) => [`--${option.long}`, option.summary]);

function optionAt(options: readonly Option[], word: string): Option | undefined {
  return options.find((option) => word === `--${option.long}` || (option.short !== undefined && new RegExp(`^-[a-zA-Z]*${option.short}$`).test(word)));
}

async function optionValues(context: Context, option: Option, args: readonly string[]): Promise<readonly Candidate[]> {
  if (option.choices !== undefined) return option.choices.map((choice) => [choice, ""]);
  return live(context, option, { words: wordsIn(args, [option]), args });
}

async function positional(context: Context, command: Command, { args, options }: { readonly args: readonly string[]; readonly options: readonly Option[] }): Promise<readonly Candidate[]> {
  const words = wordsIn(args, options);
  const last = command.words.at(-1);
  const word = command.words[words.length] ?? (last?.repeat === true ? last : undefined);
  if (word === undefined) return [];
  if (word.complete === undefined) return word.name.includes("|") ? word.name.split("|").map((choice) => [choice, ""]) : [];
  return live(context, word, { words, args });
}

/** Completion never fails: without a database there are no names. */
async function live(context: Context, { complete }: Pick<Word, "complete">, given: { readonly words: readonly string[]; readonly args: readonly string[] }): Promise<readonly Candidate[]> {
  if (complete === undefined) return [];
  const at = given.args.findIndex((word) => word === "-n" || word === "--namespace");
  const namespace = at < 0 ? "default" : (given.args[at + 1] ?? "default");
  try {
    return (await liveNames(context, complete, { words: given.words, namespace })).map((name) => [name, ""]);
  } catch {
    return [];
  }
}

/** The words among arguments, options and their values left out. */
function wordsIn(args: readonly string[], options: readonly Option[]): readonly string[] {
  return args.filter((word, index) => !word.startsWith("-") && optionAt(options, args[index - 1] ?? "")?.value === undefined);
}
