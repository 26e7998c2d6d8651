/** `wherry image fetch`: the process that a supervisor pulls an image with; not for people. Speaks `pod/fetchLines.ts` on stdout. */
import { encodeFetchLine, failureOf, pullMeter, type FetchLine } from "../../../pod/fetchLines.ts";
import type { StoreProgress } from "../../../storage/storage.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";

/** Milliseconds between two lines of progress. */
const INTERVAL = 100;

export const command: Command = {
  options: [{ long: "authfile", value: "FILE", repeat: true, summary: "credentials to try, in this order, before the host's own" }],
  words: [{ name: "REFERENCE" }],
  run,
};

async function run(context: Context, input: Input): Promise<Outcome> {
  const { pullImage } = await import("../../../storage/pull.ts");
  const stop = new AbortController();
  void context.interrupted().then(() => stop.abort());
  const say = async (line: FetchLine): Promise<void> => {
    if (!(await context.stdout.write(encodeFetchLine(line)))) stop.abort(); // nobody waits any more
  };
  try {
    const { image, name, changed } = await pullImage(await context.engine.store(), input.words[0] ?? "", {
      signal: stop.signal,
      environment: context.imageEnvironment,
      authFiles: input.texts("authfile"),
      progress: seldom(say),
    });
    await say({ image: { id: image.id, name }, changed });
    return { kind: "none" };
  } catch (thrown) {
    await say({ error: failureOf(thrown) });
    return { kind: "none", exitCode: 1 };
  }
}

/** Adds up, and tells only so often. */
function seldom(say: (line: FetchLine) => Promise<void>): (step: StoreProgress) => void {
  const meter = pullMeter();
  let last = -INTERVAL;
  return (step) => {
    const progress = meter(step);
    if (performance.now() - last < INTERVAL) return;
    last = performance.now();
    void say({ progress });
  };
}
