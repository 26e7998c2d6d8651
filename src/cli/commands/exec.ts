/** `wherry exec`: a further process in a running container. Ends with the process's own status. */
import { fail } from "../../base/errors.ts";
import { terminalSize } from "../../base/terminal.ts";
import type { CallersTerminal } from "../../runtime/runtime.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { chooseContainer, containersOf, findPod, podWord } from "../find.ts";
import { CONTAINER, NAMESPACE, namespaceOf } from "../options.ts";
import { runningId } from "../running.ts";

export const command: Command = {
  description: "The exit status is that of the process.",
  examples: ["wherry exec web -- date", "wherry exec -it web -c nginx -- sh"],
  options: [
    NAMESPACE,
    CONTAINER,
    { long: "stdin", short: "i", summary: "pass the standard input on" },
    { long: "tty", short: "t", summary: "give the process a terminal" },
    { long: "quiet", short: "q", summary: "no note about the container that was chosen" },
  ],
  words: [{ name: "POD", complete: "pods" }, { name: "COMMAND", optional: true, repeat: true }],
  passthrough: true,
  run: exec,
};

async function exec(context: Context, input: Input): Promise<Outcome> {
  const [pod = "", ...extra] = input.words;
  if (extra.length > 0) fail("usage", `Cannot run "${extra[0]}" in pod "${pod}": the command must stand after --`, { hint: `wherry exec ${pod} -- ${extra.join(" ")}` });
  const args = input.rest ?? [];
  if (args.length === 0) fail("usage", `Cannot run anything in pod "${pod}": you must specify at least one command for the container`, { hint: `wherry exec ${pod} -- COMMAND` });
  const state = await context.engine.runtime();
  const record = findPod(state, { namespace: namespaceOf(input, { all: false }) ?? "default", name: podWord(pod) });
  const { container, note } = chooseContainer(record, containersOf(state, record), input.text("container"));
  if (note !== "" && !input.flag("quiet")) await context.stderr.write(`${note}\n`);
  const id = runningId(container, { action: "run a command in", pod });
  const terminal = await callersTerminal(context, input);
  const oci = await context.engine.oci();
  const status = await oci.exec(id, { args, env: terminal === undefined ? [] : ["TERM=xterm"], cwd: "", terminal, interactive: input.flag("stdin") });
  return { kind: "none", exitCode: status };
}

/** As kubectl: without a terminal on stdin, `-t` is given up with a note. */
async function callersTerminal(context: Context, input: Input): Promise<CallersTerminal | undefined> {
  if (!input.flag("tty")) return undefined;
  if (input.flag("stdin") && context.stdin.isTerminal) return { size: () => terminalSize(0), keys: () => context.stdin.chunks(), show: (data) => context.stdout.write(data) };
  await context.stderr.write("Unable to use a TTY - input is not a terminal or the right kind of file\n");
  return undefined;
}
