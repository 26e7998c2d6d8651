/** Steps of a longer work, told as they begin. */
import type { Context } from "./context.ts";

/** Writes a line for each step to stderr; nothing when `quiet`. */
export function stepWriter(context: Context, quiet: boolean): (what: string) => void {
  if (quiet) return () => {};
  return (what) => void context.stderr.write(context.colour ? `\x1b[2m${what}\x1b[0m\n` : `${what}\n`);
}
