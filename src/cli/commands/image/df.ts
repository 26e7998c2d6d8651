/** `wherry image df`: how much room images take. */
import { imageUsage, listImages, type Share, type Usage } from "../../../storage/mod.ts";
import type { Command, Listing, Outcome } from "../../command.ts";
import { ago, namesOf, shortId } from "../../imageText.ts";
import { usersOf } from "../../imageUsers.ts";
import { output } from "../../options.ts";
import { columns } from "../../print.ts";
import { humanSize } from "../../size.ts";

export const command: Command = {
  description: "Sizes are those of the uncompressed layers, each counted once. Reclaimable is what no pod needs: image prune --all gives it back.",
  options: [{ long: "verbose", short: "v", summary: "each image, as with -o wide" }, output("json", "yaml", "wide")],
  words: [],
  async run(context, input): Promise<Outcome> {
    const { images } = await context.engine.durable();
    const usage = imageUsage(listImages(images), images.layers(), usersOf(await context.engine.runtime(), images));
    const each = input.flag("verbose") || input.text("output") === "wide";
    return { kind: "listing", listings: [each ? eachImage(usage, context.now()) : summary(usage)] };
  },
};

function summary(usage: Usage): Listing {
  const shares = [["Images", usage.images], ["Layers", usage.layers]] as const;
  return {
    columns: columns("TYPE,TOTAL,ACTIVE,SIZE,RECLAIMABLE"),
    rows: shares.map(([type, share]) => ({ name: type, cells: [type, `${share.total}`, `${share.active}`, humanSize(share.size), reclaimable(share)] })),
    value: () => value(usage),
  };
}

const reclaimable = ({ size, reclaimable: bytes }: Share): string => `${humanSize(bytes)} (${size === 0 ? 0 : Math.floor((bytes / size) * 100)}%)`;

function eachImage(usage: Usage, now: number): Listing {
  const cells = usage.each.flatMap(({ image, shared, unique, users }) => namesOf(image).map((name) => ({
    name, cells: [name, shortId(image.id), ago(image.created, now), humanSize(shared + unique), humanSize(shared), humanSize(unique), `${users.length}`],
  })));
  return { columns: columns("NAME,IMAGE ID,CREATED,SIZE,SHARED SIZE,UNIQUE SIZE,PODS"), rows: cells, value: () => value(usage), empty: "No images" };
}

const value = ({ each, ...shares }: Usage): object => ({
  ...shares,
  each: each.map(({ image: { id, names }, ...rest }) => ({ id, names, ...rest })),
});
