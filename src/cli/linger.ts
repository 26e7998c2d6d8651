/** Services of a user who does not linger end with the last session: said, and offered to be changed, before one is enabled. */
import { WherryError } from "../base/errors.ts";
import { isLingering, letLinger, lingerCommand } from "../systemd/linger.ts";
import { confirmed } from "./ask.ts";
import type { Input, Option } from "./command.ts";
import type { Context } from "./context.ts";

export const LINGER: readonly Option[] = [
  { long: "linger", summary: "of an ordinary user: also let the user linger, so that services start at boot" },
  { long: "no-linger", summary: "of an ordinary user: leave that as it is, and do not ask" },
];

export interface Lingering {
  isLingering(name: string): boolean;
  letLinger(name: string): Promise<void>;
}

/**
 * With `--linger`, or when the user says so on a terminal, lets the user linger. Fails, with the command for root, when
 * that was asked for by the option and is not permitted.
 */
export async function offerLingering(context: Pick<Context, "stdin" | "stderr">, input: Pick<Input, "flag">, { name, lingering = { isLingering, letLinger } }: { readonly name: string; readonly lingering?: Lingering }): Promise<void> {
  if (lingering.isLingering(name)) return;
  if (input.flag("linger")) return await lingering.letLinger(name);
  await context.stderr.write(`User "${name}" does not linger: the service ends when the last session does, and does not start at boot\n`);
  const asks = context.stdin.isTerminal && !input.flag("no-linger");
  if (!asks || !(await confirmed(context, `Let user "${name}" linger?`, "--linger or --no-linger"))) {
    await context.stderr.write(`To change that: ${lingerCommand(name)}\n`);
    return;
  }
  try {
    await lingering.letLinger(name);
  } catch (thrown) {
    if (!(thrown instanceof WherryError)) throw thrown;
    await context.stderr.write(`${thrown.message}\nTo change that: ${lingerCommand(name)}\n`);
  }
}
