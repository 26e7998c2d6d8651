/** `wherry image prune`: removes images that nothing needs, and layers that no image has. */
import type { Collected } from "../../../storage/mod.ts";
import type { Image } from "../../../storage/storage.ts";
import { confirmed } from "../../ask.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { usersOf } from "../../imageUsers.ts";
import { output } from "../../options.ts";
import { humanSize } from "../../size.ts";

export const command: Command = {
  description: "Removes images without a name. An image that a container of any pod is made of stays, whatever is asked.",
  examples: ["wherry image prune", "wherry image prune --all --force"],
  options: [
    { long: "all", short: "a", summary: "every image that no pod uses, not only those without a name" },
    { long: "force", short: "f", summary: "do not ask" },
    output("json"),
  ],
  words: [],
  run: prune,
};

async function prune(context: Context, input: Input): Promise<Outcome> {
  const all = input.flag("all");
  const what = all ? "all images that no pod uses" : "all images without a name that no pod uses";
  if (!input.flag("force") && !(await confirmed(context, `This removes ${what}, and layers of no image. Go on?`))) return { kind: "none" };
  const { pruneImages } = await import("../../../storage/mod.ts");
  const [store, driver, runtime] = [await context.engine.store(), await context.engine.images(), await context.engine.runtime()];
  const images = pruneImages(store, { all, users: () => usersOf(runtime, store.catalog) });
  const collected = await driver.collect(store);
  if (collected === undefined) await context.stderr.write("Layers are left where they are while another process adds to the store: prune again when it has ended\n");
  return outcome(input, images, collected ?? { layers: [], bytes: 0 });
}

function outcome(input: Input, images: readonly Image[], { layers, bytes }: Collected): Outcome {
  if (input.text("output") === "json") return { kind: "value", value: { images: images.map(({ id, names }) => ({ id, names })), layers, reclaimed: bytes } };
  const lines = images.flatMap(({ id, names }) => [...names.map((name) => `Untagged: ${name}`), `Deleted: ${id}`]);
  return { kind: "text", text: [...lines, ...layers.map(({ diffId }) => `Deleted: layer ${diffId}`), `Total reclaimed space: ${humanSize(bytes)}`].join("\n") };
}
