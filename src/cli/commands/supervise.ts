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
      onTerminate: (stop) => onTerminate(context, stop),
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

/**
 * The first signal is heard, and none ends the process by itself: what stops the pods must not be ended by the second one.
 * At a shutdown there are two, when a scope is stopped: that of systemd, and that of the monitor, which passes its own on.
 */
function onTerminate(context: Pick<Context, "interrupted">, stop: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
  void context.interrupted().then(stop);
}
