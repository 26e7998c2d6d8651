/** One command line from argv to exit status: resolve, load, parse, run, print, report. */
import type { Outcome } from "./command.ts";
import type { Context, Globals } from "./context.ts";
import { report } from "./failure.ts";
import { commandHelp, programHelp } from "./help.ts";
import { parse, resolve } from "./parse.ts";
import { print } from "./print.ts";
import { TABLE } from "./table.ts";

/** Runs `argv` (without the program's name); returns the exit status. Never throws. */
export async function run(argv: readonly string[], contextOf: (globals: Globals) => Context): Promise<number> {
  let context = contextOf({});
  let format = "";
  try {
    const resolved = resolve(argv, TABLE);
    if (resolved.kind === "help") return await finish(context, { kind: "text", text: programHelp(TABLE, resolved.group), exitCode: resolved.missing ? 2 : 0 }, "");
    if (resolved.row.enters !== undefined && !resolved.args.some(decides)) await context.enter({ scope: resolved.row.enters === "scope", standing: true });
    const command = await resolved.row.load();
    const input = parse(resolved.args, command);
    context = contextOf(globalsOf(input));
    if (input.flag("help")) return await finish(context, { kind: "text", text: commandHelp(resolved.row, command) }, "");
    if (resolved.row.enters !== undefined) await context.enter({ scope: resolved.row.enters === "scope" });
    format = command.options.some((option) => option.long === "output" && option.choices !== undefined) ? (input.text("output") ?? "") : "";
    return await finish(context, await command.run(context, input), format);
  } catch (thrown) {
    return report(context, thrown, { json: format === "json" });
  }
}

/** Words with which it depends on the command whether, or where, it goes on; without them its module need not be loaded twice. */
const decides = (word: string): boolean => /^(--root|--runroot|--help|-h)(=|$)/.test(word);

async function finish(context: Context, outcome: Outcome, format: string): Promise<number> {
  await print(context, outcome, format);
  return outcome.exitCode ?? 0;
}

function globalsOf(input: { flag(long: string): boolean; text(long: string): string | undefined }): Globals {
  return { root: input.text("root"), runroot: input.text("runroot"), logLevel: input.text("log-level"), noColour: input.flag("no-color") };
}
