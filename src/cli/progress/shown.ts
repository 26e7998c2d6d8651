/** Work on images under a display that ends well however the work ends. */
import type { Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { type Display, progressDisplay } from "./display.ts";

/** Exit status of a command that SIGINT has ended, as of a shell's. */
const INTERRUPTED = 130;

/**
 * Does `work` while its progress is shown on stderr. The first SIGINT or SIGTERM ends the display, so that the terminal
 * has its cursor again, then aborts the work and waits until it has cleaned up.
 */
export async function shown(context: Context, options: { readonly quiet: boolean }, work: (display: Display, signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
  using display = progressDisplay(context, options);
  const interruption = new AbortController();
  void context.interrupted().then(() => {
    display[Symbol.dispose]();
    interruption.abort();
  });
  try {
    const outcome = await work(display, interruption.signal);
    return interruption.signal.aborted ? await interrupted(context) : outcome;
  } catch (thrown) {
    if (!interruption.signal.aborted) throw thrown;
    return await interrupted(context);
  }
}

async function interrupted(context: Context): Promise<Outcome> {
  await context.stderr.write("Interrupted\n");
  return { kind: "none", exitCode: INTERRUPTED };
}
