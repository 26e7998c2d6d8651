/** `wherry image ls`: the images of the store. */
import { listImages } from "../../../storage/mod.ts";
import type { Image } from "../../../storage/storage.ts";
import { humanDuration } from "../../age.ts";
import type { Command, Listing, Outcome } from "../../command.ts";
import { output } from "../../options.ts";
import { columns } from "../../print.ts";
import { humanSize } from "../../size.ts";

export const command: Command = {
  options: [{ long: "quiet", short: "q", summary: "ids only" }, output("json", "yaml", "wide")],
  words: [],
  async run(context, input): Promise<Outcome> {
    const images = listImages((await context.engine.durable()).images);
    if (input.flag("quiet")) return { kind: "text", text: images.map((image) => image.id).join("\n") };
    return { kind: "listing", listings: [listing(images, context.now())] };
  },
};

function listing(images: readonly Image[], now: number): Listing {
  return {
    columns: columns("NAME,IMAGE ID,CREATED,SIZE|LAYERS,IMPORTED"),
    rows: images.flatMap((image) => (image.names.length === 0 ? ["<none>"] : image.names).map((name) => ({ name, cells: cells(image, { name, now }) }))),
    value: () => images,
  };
}

function cells(image: Image, { name, now }: { readonly name: string; readonly now: number }): readonly string[] {
  const ago = (time: number): string => (time === 0 ? "<unknown>" : `${humanDuration(now - time)} ago`);
  return [name, image.id.replace("sha256:", "").slice(0, 12), ago(image.created), humanSize(image.size), `${image.layers.length}`, ago(image.importedAt)];
}
