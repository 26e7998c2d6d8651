/** `wherry supervise SERVICE`: the payload of a service container; not for people. */
import { serviceName } from "../../spec/spec.ts";
import { supervise } from "../../supervisor/supervise.ts";
import { notifier } from "../../systemd/notify.ts";
import type { Command } from "../command.ts";
import { changing } from "../changing.ts";

export const command: Command = {
  options: [],
  words: [{ name: "SERVICE" }],
  async run(context, input) {
    using engine = changing(context);
    const exitCode = await supervise(engine, serviceName(input.words[0] ?? ""), {
      notifier: notifier(context.notifySocket),
      watchdogUsec: context.watchdogUsec ?? 0,
      onTerminate: (stop) => void context.interrupted().then(stop),
    });
    return { kind: "none", exitCode };
  },
};
