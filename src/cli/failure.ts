/** The one place that prints errors, and the one table of exit codes. */
import { type ErrorKind, messageOf, WherryError } from "../base/errors.ts";
import type { Problem } from "../kube/kube.ts";
import type { Context } from "./context.ts";

/**
 * What the exit status of wherry says. `exec` ends with the command's own status instead.
 * 0 done · 1 tried and failed, not found, timed out · 2 the command line is wrong, nothing was touched ·
 * 3 the manifest (or another input) is wrong, nothing was touched · 125 refused because of something that exists
 */
export const EXIT_CODES = {
  usage: 2,
  invalid: 3,
  conflict: 125,
  exists: 125,
  notFound: 1,
  unavailable: 1,
  timeout: 1,
  failed: 1,
  unsupported: 1,
} as const satisfies Record<ErrorKind, number>;

/** The exit status of anything thrown; a bug is 1. */
export const exitCodeOf = (thrown: unknown): number => (thrown instanceof WherryError ? EXIT_CODES[thrown.kind] : 1);

/** Prints what was thrown (with `json` as a JSON object on stdout, else on stderr) and returns the exit status. */
export async function report(context: Context, thrown: unknown, options: { readonly json: boolean }): Promise<number> {
  if (options.json) await context.stdout.write(`${JSON.stringify({ error: errorObject(thrown) }, null, 4)}\n`);
  else await context.stderr.write(`${await errorText(context, thrown)}\n`);
  return exitCodeOf(thrown);
}

function errorObject(thrown: unknown): object {
  if (!(thrown instanceof WherryError)) return { kind: "bug", code: "EBUG", message: messageOf(thrown) };
  const { kind, code, message, hint } = thrown;
  const problems = problemsOf(thrown);
  return { kind, code, message, ...(hint === undefined ? {} : { hint }), ...(problems.length === 0 ? {} : { problems }) };
}

async function errorText(context: Context, thrown: unknown): Promise<string> {
  const label = context.colour ? "\x1b[31mError:\x1b[0m" : "Error:";
  if (!(thrown instanceof WherryError)) return `${label} ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  const lines = [`${label} ${printable(thrown.message)}`];
  const problems = problemsOf(thrown);
  if (problems.length > 0) {
    const { formatProblem } = await context.engine.kube();
    const told = problems.map(formatProblem).filter((text) => !thrown.message.includes(text));
    lines.push(...told.map((text) => `  ${printable(text)}`));
  }
  if (thrown.hint !== undefined) lines.push(`Hint: ${printable(thrown.hint)}`);
  return lines.join("\n");
}

/** The problems of a manifest, which an error of kind `invalid` carries as `context.problems`. */
function problemsOf(error: WherryError): readonly Problem[] {
  const { problems } = error.context;
  return Array.isArray(problems) ? problems : [];
}

/** Text of foreign origin without control characters, which a terminal would obey. */
export const printable = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "�");
