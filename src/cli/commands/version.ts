/** `wherry version`. */
import { version } from "../../../package.json" with { type: "json" };
import type { Command, Outcome } from "../command.ts";
import { output } from "../options.ts";

export const command: Command = {
  options: [output("json", "yaml")],
  words: [],
  run: (_, input): Outcome =>
    input.text("output") === undefined ? { kind: "text", text: `wherry ${version}` } : { kind: "value", value: { version, bun: Bun.version } },
};
