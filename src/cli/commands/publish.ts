/** `wherry publish`: the process that an ordinary user's pod has its host ports from; not for people. */
import { publish } from "../../network/publish.ts";
import { carried } from "../../pod/networkCalls.ts";
import { parsePublication, PUBLISHED } from "../../pod/publisher.ts";
import type { Command, Outcome } from "../command.ts";
import type { Context } from "../context.ts";

export const command: Command = { options: [], words: [], run };

/** Says in one line that it listens, or why not. Runs until it is killed. */
async function run(context: Context): Promise<Outcome> {
  try {
    await publish(parsePublication(await context.stdin.text()));
  } catch (thrown) {
    return { kind: "value", value: carried(thrown) };
  }
  await context.stdout.write(`${PUBLISHED}\n`);
  await new Promise<never>(() => {});
  return { kind: "none" };
}
