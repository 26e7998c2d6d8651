/** `wherry system check`: finds damage of the image store, and repairs what can be. */
import { messageOf } from "../../../base/errors.ts";
import type { Image, Store } from "../../../storage/storage.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import type { Finding } from "../../findings.ts";
import type { ImageDriver } from "../../imageDriver.ts";
import { output } from "../../options.ts";
import { shown } from "../../progress/shown.ts";
import { REGISTRY, registryOptions } from "../../registryOptions.ts";

export const command: Command = {
  description: "Prints a line for each thing that is wrong and ends with status 1 when there is one. A damaged layer is not used any more: it counts as missing.",
  examples: ["wherry system check", "wherry system check --contents --repair"],
  options: [
    { long: "contents", summary: "read every byte, not only what the file system says of files" },
    { long: "repair", summary: "remove leftovers, and pull damaged layers of images from registries again" },
    { long: "quiet", short: "q", summary: "no progress" },
    ...REGISTRY,
    output("json"),
  ],
  words: [],
  run: check,
};

async function check(context: Context, input: Input): Promise<Outcome> {
  const [driver, store] = [await context.engine.images(), await context.engine.store()];
  return shown(context, { quiet: input.flag("quiet") }, async (display, signal) => {
    const look = (): Promise<readonly Finding[]> => driver.check(store, { contents: input.flag("contents"), signal });
    const found = await look();
    if (!input.flag("repair") || found.length === 0) return outcome(input, { found, left: found });
    await driver.collect(store);
    for (const image of damaged(store)) await pullAgain(context, image, { driver, store, pull: { ...registryOptions(context, input), signal, progress: display.of(image.names[0] ?? image.id) } });
    const left = await look();
    display[Symbol.dispose]();
    return outcome(input, { found, left });
  });
}

/** Images that miss a layer, or have one that is not what it should be. */
function damaged({ catalog }: Store): readonly Image[] {
  return catalog.images().filter((image) => image.layers.some((diffId) => catalog.layer(diffId)?.damage !== ""));
}

/** By digest where one is known: the name may mean another image by now. What cannot be pulled stays a finding. */
async function pullAgain(context: Context, image: Image, { driver, store, pull }: { readonly driver: ImageDriver; readonly store: Store; readonly pull: Parameters<ImageDriver["pull"]>[2] }): Promise<void> {
  const sources = [...image.digests, ...image.names].filter((name) => !name.startsWith("localhost/"));
  for (const name of sources) {
    try {
      await driver.pull(store, name, pull);
      return;
    } catch (thrown) {
      pull.signal.throwIfAborted();
      await context.stderr.write(`${messageOf(thrown)}\n`);
    }
  }
}

function outcome(input: Input, { found, left }: { readonly found: readonly Finding[]; readonly left: readonly Finding[] }): Outcome {
  const exitCode = left.length === 0 ? 0 : 1;
  const key = ({ object, problem }: Finding): string => `${object}: ${problem}`;
  const remaining = new Set(left.map(key));
  const repaired = found.filter((each) => !remaining.has(key(each)));
  if (input.text("output") === "json") return { kind: "value", value: { findings: left, repaired }, exitCode };
  const lines = [...repaired.map((each) => `${key(each)} (repaired)`), ...remaining];
  return { kind: "text", text: lines.length === 0 ? "Nothing is wrong" : lines.join("\n"), exitCode };
}
