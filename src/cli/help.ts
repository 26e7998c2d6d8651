/** Help, made from the command table and the commands' own declarations. */
import type { Command, Option, Row, Word } from "./command.ts";
import { GLOBAL } from "./options.ts";

const GROUPS = { services: "Services", objects: "Pods and other objects", images: "Images", volumes: "Volumes", other: "Other" } as const;

/** The list of all commands, or of those whose name begins with the group's word (`image`). */
export function programHelp(table: readonly Row[], group: string): string {
  const rows = table.filter((row) => row.group !== "hidden" && (group === "" || row.name.startsWith(`${group} `)));
  const width = Math.max(...rows.map((row) => row.name.length)) + 2;
  const sections = Object.entries(GROUPS).map(([key, title]) => ({ title, rows: rows.filter((row) => row.group === key) }));
  return [
    ...(group === "" ? ["wherry runs a Kubernetes YAML file on one host as a systemd service.", ""] : []),
    `Usage: wherry ${group === "" ? "" : `${group} `}COMMAND [options]`,
    ...sections.filter((section) => section.rows.length > 0).flatMap(({ title, rows: own }) => ["", `${title}:`, ...own.map((row) => `  ${row.name.padEnd(width)}${row.summary}`)]),
    "",
    ...(group === "" ? ["Options of every command:", ...optionLines(GLOBAL), ""] : []),
    "wherry COMMAND --help says more about a command.",
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(row: Row, command: Command): string {
  const own = command.options;
  return [
    `${row.summary[0]?.toUpperCase()}${row.summary.slice(1)}.`,
    ...(command.description === undefined ? [] : ["", command.description]),
    "",
    `Usage: ${usage(row, command)}`,
    ...(row.aliases === undefined ? [] : ["", `Also: ${row.aliases.join(", ")}`]),
    ...(command.examples === undefined ? [] : ["", "Examples:", ...command.examples.map((example) => `  ${example}`)]),
    ...(own.length === 0 ? [] : ["", "Options:", ...optionLines(own)]),
    "",
    "Options of every command:",
    ...optionLines(GLOBAL),
  ].join("\n");
}

/** `wherry logs POD [options]` */
export function usage(row: Row, command: Command): string {
  const words = command.words.filter((word) => command.passthrough !== true || word.repeat !== true).map(wordUsage); // those follow "--"
  return ["wherry", row.name, ...words, "[options]", ...(command.passthrough === true ? ["-- COMMAND…"] : [])].join(" ");
}

function wordUsage(word: Word): string {
  const name = word.repeat === true ? `${word.name}…` : word.name;
  return word.optional === true ? `[${name}]` : name;
}

function optionLines(options: readonly Option[]): readonly string[] {
  const heads = options.map(({ short, long, value }) => `  ${short === undefined ? "    " : `-${short}, `}--${long}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return options.map((option, index) => `${(heads[index] ?? "").padEnd(width)}${option.summary}${option.repeat === true ? " (repeatable)" : ""}`);
}
