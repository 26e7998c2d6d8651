/** Asking the user before something is lost, or changed for others. */
import { fail } from "../base/errors.ts";
import type { Context, Reader } from "./context.ts";

/** Whether the user has answered `y` or `yes`. Fails with kind `usage` when nobody answers, and names the option that is given `instead`. */
export async function confirmed(context: Pick<Context, "stdin" | "stderr">, question: string, instead = "--force"): Promise<boolean> {
  await context.stderr.write(`${question} [y/N] `);
  const answer = await firstLine(context.stdin);
  if (answer === undefined) {
    await context.stderr.write("\n");
    fail("usage", `Cannot go on without an answer: the standard input has ended, it should say y, or ${instead} should be given`);
  }
  return /^y(es)?$/i.test(answer.trim());
}

/** The first line of an input, without its end; undefined when the input ends before it has said anything. */
async function firstLine(input: Reader): Promise<string | undefined> {
  let text = "";
  for await (const chunk of input.chunks()) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) break;
  }
  return text === "" ? undefined : text.split("\n")[0];
}
