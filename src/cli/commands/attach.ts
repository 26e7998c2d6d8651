/** `wherry attach`: the standard streams of a container that runs already. */
import { fail } from "../../base/errors.ts";
import { bundleDirectory } from "../../base/paths.ts";
import { rawTerminal, terminalSize } from "../../base/terminal.ts";
import { specOf } from "../../pod/image.ts";
import type { Session } from "../../runtime/runtime.ts";
import type { ContainerRecord, PodRecord } from "../../state/state.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys, untilDetached } from "../detachKeys.ts";
import { chooseContainer, containersOf, findPod, podWord } from "../find.ts";
import { follow, LogReader } from "../logFile.ts";
import { CONTAINER, NAMESPACE, namespaceOf } from "../options.ts";
import { runningId } from "../running.ts";

export const command: Command = {
  description: `Ends when the container ends. With a terminal, ${DEFAULT_DETACH_KEYS} ends it before, and the container runs on.`,
  examples: ["wherry attach web", "wherry attach -it web -c shell"],
  options: [
    NAMESPACE,
    CONTAINER,
    { long: "stdin", short: "i", summary: "pass the standard input on; the manifest must say stdin: true" },
    { long: "tty", short: "t", summary: "the standard input is a terminal, as the container's is" },
    { long: "detach-keys", value: "KEYS", summary: `keys that end it and leave the container running; "" for none (${DEFAULT_DETACH_KEYS})` },
    { long: "quiet", short: "q", summary: "no notes" },
  ],
  words: [{ name: "POD", complete: "pods" }],
  run: attach,
};

/** After an interrupt (128 + SIGINT). */
const INTERRUPTED = 130;

async function attach(context: Context, input: Input): Promise<Outcome> {
  const [word = ""] = input.words;
  const keys = parseDetachKeys(input.text("detach-keys") ?? DEFAULT_DETACH_KEYS);
  const state = await context.engine.runtime();
  const pod = findPod(state, { namespace: namespaceOf(input, { all: false }) ?? "default", name: podWord(word) });
  const { container, note } = chooseContainer(pod, containersOf(state, pod), input.text("container"));
  const say = async (line: string): Promise<void> => void (input.flag("quiet") || (await context.stderr.write(`${line}\n`)));
  if (note !== "") await say(note);
  const spec = specOf(pod, container);
  const id = runningId(container, { action: "attach to", pod: pod.pod.metadata.name });
  const bundle = bundleDirectory(context.paths, pod.uid, id);
  if (input.flag("tty") && spec.tty !== true) await say(`Unable to use a TTY - container ${container.name} did not allocate one`);
  if (!input.flag("stdin")) return watch(context, container, bundle);
  if (spec.stdin !== true) return hasNoInput(pod, container);
  const raw = spec.tty === true && context.stdin.isTerminal;
  if (input.flag("tty") && spec.tty === true && !raw) await say("Unable to use a TTY - input is not a terminal or the right kind of file");
  using session = await (await context.engine.oci()).attach(id, bundle);
  if (raw) await say("If you don't see a command prompt, try pressing enter.");
  return { kind: "none", exitCode: await (raw ? onTerminal(context, session, keys) : throughPipes(context, session)) };
}

function hasNoInput(pod: PodRecord, { name }: ContainerRecord): never {
  fail("failed", `Cannot attach the standard input to container "${name}" of pod "${pod.pod.metadata.name}": it reads nothing, its manifest must say stdin: true`);
}

/**
 * Output alone comes from the log: to the monitor, any session that ends is the end of an input that is for one session
 * only, also of one that never meant to write.
 */
async function watch(context: Context, container: ContainerRecord, bundle: string): Promise<Outcome> {
  using reader = new LogReader(container.logPath);
  for (const _ of reader.read()); // what was written before is not shown
  const over = new AbortController();
  void (await context.engine.oci()).ended(bundle).finally(() => over.abort());
  for await (const { stream, partial, content } of follow(reader, container.logPath, { signal: over.signal })) {
    const writer = stream === "stderr" ? context.stderr : context.stdout;
    await writer.write(partial ? content : Buffer.concat([content, Buffer.from("\n")]));
  }
  return { kind: "none" };
}

/** Every key goes to the container, but for the detach keys; its terminal has the size of ours. */
async function onTerminal(context: Context, session: Session, keys: Uint8Array): Promise<number> {
  using _raw = rawTerminal(0);
  using _size = sized(session);
  const detached = (async () => {
    const input = untilDetached(context.stdin.chunks(), keys);
    for (let next = await input.next(); ; next = await input.next()) {
      if (next.done === true) return next.value ? undefined : session.endInput();
      if (!(await session.write(next.value))) return undefined;
    }
  })();
  const interrupted = context.interrupted().then(() => INTERRUPTED);
  return (await Promise.race([detached, show(context, session), interrupted])) ?? 0;
}

/** Time between two sizes, in ms: conmon takes only the first of two that it reads at once. */
const SIZE_PAUSE = 50;

/** Sets the size now and at every change. A first size that is not ours makes programs draw anew at the second one. */
function sized(session: Session): Disposable {
  const resize = (more: number): void => {
    const size = terminalSize(0);
    if (size !== undefined) session.resize({ rows: size.rows + more, columns: size.columns + more });
  };
  const changed = (): void => resize(0);
  resize(1);
  const second = setTimeout(changed, SIZE_PAUSE);
  process.on("SIGWINCH", changed);
  return {
    [Symbol.dispose]() {
      clearTimeout(second);
      process.off("SIGWINCH", changed);
    },
  };
}

async function throughPipes(context: Context, session: Session): Promise<number> {
  void (async () => {
    for await (const chunk of context.stdin.chunks()) if (!(await session.write(chunk))) return;
    session.endInput();
  })();
  await show(context, session);
  return 0;
}

async function show(context: Context, session: Session): Promise<void> {
  for await (const { stream, data } of session.output()) {
    if (!(await (stream === "stderr" ? context.stderr : context.stdout).write(data))) return;
  }
}
