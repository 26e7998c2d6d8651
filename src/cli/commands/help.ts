/** `wherry help [COMMAND]`. */
import type { Command, Outcome, Row } from "../command.ts";
import { commandHelp, programHelp } from "../help.ts";
import { resolve } from "../parse.ts";

/** The command; it is handed the table that it explains and stands in. */
export const helpOn = (table: readonly Row[]): Command => ({
  options: [],
  words: [{ name: "COMMAND", optional: true, repeat: true }],
  async run(_, input): Promise<Outcome> {
    if (input.words.length === 0) return { kind: "text", text: programHelp(table, "") };
    const resolved = resolve(input.words, table);
    return { kind: "text", text: resolved.kind === "help" ? programHelp(table, resolved.group) : commandHelp(resolved.row, await resolved.row.load()) };
  },
});
