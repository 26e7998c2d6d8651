/** `wherry supervise SERVICE`: the payload of a service container; not for people. */
import { type NetworkThread, userNetworkThread } from "../../pod/networkThreadClient.ts";
import { serviceName } from "../../spec/spec.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";

export const command: Command = {
  options: [],
  words: [{ name: "SERVICE" }],
  async run(context, input) {
    const thread = begunThread(context);
    const [{ supervise }, { notifier }, { changing }] = await Promise.all([import("../../supervisor/supervise.ts"), import("../../systemd/notify.ts"), import("../changing.ts")]);
    using engine = changing(context, thread);
    const exitCode = await supervise(engine, serviceName(input.words[0] ?? ""), {
      notifier: notifier(context.notifySocket),
      watchdogUsec: context.watchdogUsec ?? 0,
      onTerminate: (stop) => void context.interrupted().then(stop),
    });
    return { kind: "none", exitCode };
  },
};

/** An ordinary user's pods need the network thread at once: it gets ready beside what this process loads. */
function begunThread({ paths }: Context): { readonly thread?: NetworkThread } {
  if (paths.rootless === undefined) return {};
  const thread = userNetworkThread(paths);
  thread.begin();
  return { thread };
}
