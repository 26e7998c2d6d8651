/** `wherry image load`: every image of an archive. */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { fail } from "../../../base/errors.ts";
import type { Image } from "../../../storage/storage.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { output } from "../../options.ts";
import { shown } from "../../progress/shown.ts";

export const command: Command = {
  description: "Takes what docker save, podman save and wherry image save write, plain or compressed, and OCI layouts, from a file or the standard input.",
  examples: ["wherry load -i images.tar", "ssh other wherry image save shop:1 | wherry load"],
  options: [
    { long: "input", short: "i", value: "FILE", summary: "read this instead of the standard input", complete: "files" },
    { long: "quiet", short: "q", summary: "no progress" },
    output("json"),
  ],
  words: [],
  run: load,
};

async function load(context: Context, input: Input): Promise<Outcome> {
  const file = input.text("input") ?? "-";
  if (file === "-" && context.stdin.isTerminal) fail("usage", "Cannot load from a terminal: an archive should come on the standard input, or with -i FILE");
  const [driver, store] = [await context.engine.images(), await context.engine.store()];
  return shown(context, { quiet: input.flag("quiet") }, async (display, signal) => {
    const progress = display.of(file === "-" ? "standard input" : file);
    using spool = file === "-" ? await spooled(context, signal) : undefined;
    const images = await driver.load(store, spool?.path ?? resolve(context.cwd, file), { signal, progress, environment: context.imageEnvironment });
    display[Symbol.dispose]();
    return outcome(input, images);
  });
}

function outcome(input: Input, images: readonly Image[]): Outcome {
  if (input.text("output") === "json") return { kind: "value", value: images.map(({ id, names }) => ({ id, names })) };
  const lines = images.flatMap(({ id, names }) => (names.length === 0 ? [id] : names));
  return { kind: "text", text: lines.map((line) => `Loaded image: ${line}`).join("\n") };
}

/**
 * The standard input as a file, because an archive is read more than once. The file has no name, so that nothing of it
 * stays however we end; its path leads through our own descriptor, also for the programs that we start.
 */
async function spooled({ stdin, imageEnvironment }: Context, signal: AbortSignal): Promise<Disposable & { readonly path: string }> {
  const name = `${imageEnvironment["TMPDIR"] ?? "/var/tmp"}/wherry-load-${crypto.randomUUID()}`;
  const fd = openSync(name, "wx+", 0o600);
  unlinkSync(name);
  const file = { path: `/proc/${process.pid}/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) };
  try {
    for await (const chunk of until(signal, stdin.chunks())) for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
    return file;
  } catch (thrown) {
    file[Symbol.dispose]();
    throw thrown;
  }
}

/** The chunks, until the signal aborts, also while none comes. */
async function* until(signal: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {}); // nobody may be waiting
  signal.addEventListener("abort", () => aborted.reject(signal.reason));
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await Promise.race([iterator.next(), aborted.promise]);
    if (done === true) return;
    yield value;
  }
}
