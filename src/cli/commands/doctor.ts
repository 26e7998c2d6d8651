/** `wherry doctor`: what this host can and cannot do for this user's wherry, and the commands that mend it. */
import type { Command, Outcome } from "../command.ts";
import type { Finding } from "../doctor/facts.ts";
import { findingsOf, summary } from "../doctor/findings.ts";
import { gatherFacts, gatherStopTimeout } from "../doctor/gather.ts";
import { output } from "../options.ts";

export const command: Command = {
  description: "One line for every precondition of running pods as this user, and below each that is not met the commands that mend it. Nothing is changed or tried. The exit status is 1 when something that pods cannot do without is missing.",
  examples: ["wherry doctor", "sudo wherry doctor", "wherry doctor -o json"],
  options: [{ long: "quiet", short: "q", summary: "only what is not as it should be" }, output("json", "yaml")],
  words: [],
  async run(context, input): Promise<Outcome> {
    const findings = findingsOf({ ...gatherFacts(context.paths, context), ...(await gatherStopTimeout(context.uid)) });
    const exitCode = findings.some(({ level }) => level === "missing") ? 1 : 0;
    if (input.text("output") !== undefined) return { kind: "value", value: { ready: exitCode === 0, findings }, exitCode };
    const shown = input.flag("quiet") ? findings.filter(({ level }) => level !== "ok") : findings;
    return { kind: "text", text: doctorText(shown, { all: findings, colour: context.colour && context.stdout.isTerminal }), exitCode };
  },
};

const COLOURS: Readonly<Record<Finding["level"], number>> = { ok: 32, warning: 33, missing: 31 };

/** Lines for people; the last one sums up. */
export function doctorText(findings: readonly Finding[], { all, colour }: { readonly all: readonly Finding[]; readonly colour: boolean }): string {
  const width = Math.max(0, ...findings.map(({ about }) => about.length));
  const painted = (level: Finding["level"]): string => {
    const text = level.padEnd("warning".length);
    return colour ? `\x1b[${COLOURS[level]}m${text}\x1b[0m` : text;
  };
  const lines = findings.flatMap(({ about, level, is, mend }) => [`${painted(level)}  ${about.padEnd(width)}  ${is}`, ...mend.map((each) => `${" ".repeat("warning".length + 4)}${each}`)]);
  return [...lines, "", summary(all)].join("\n");
}
