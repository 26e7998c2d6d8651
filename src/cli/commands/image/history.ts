/** `wherry image history`: the steps that an image was made in, newest first. */
import { imageCalled, imageDetails, type HistoryEntry } from "../../../storage/mod.ts";
import type { Image, ImageCatalog } from "../../../storage/storage.ts";
import type { Command, Listing, Outcome } from "../../command.ts";
import { ago, shortId } from "../../imageText.ts";
import { output } from "../../options.ts";
import { columns } from "../../print.ts";
import { humanSize } from "../../size.ts";

export const command: Command = {
  description: "The size of a step is that of its layer, uncompressed.",
  options: [{ long: "no-trunc", summary: "whole ids and commands" }, output("json", "yaml")],
  words: [{ name: "NAME", complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const { images } = await context.engine.durable();
    const image = imageCalled({ catalog: images }, input.words[0] ?? "");
    const steps = stepsOf(images, imageDetails(context.paths.durable, image).history);
    return { kind: "listing", listings: [listing(image, steps, { now: context.now(), whole: input.flag("no-trunc") })] };
  },
};

type Step = HistoryEntry & { readonly size: number };

/** Newest first. */
function stepsOf(catalog: Pick<ImageCatalog, "layer">, history: readonly HistoryEntry[]): readonly Step[] {
  return history.toReversed().map((entry) => ({ ...entry, size: entry.layer === undefined ? 0 : (catalog.layer(entry.layer)?.size ?? 0) }));
}

/** Columns of a command that is not asked for in full, as podman shows it. */
const SHORT = 45;

function listing(image: Image, steps: readonly Step[], { now, whole }: { readonly now: number; readonly whole: boolean }): Listing {
  const shortened = (text: string): string => (whole || text.length <= SHORT ? text : `${text.slice(0, SHORT - 1)}…`);
  const id = whole ? image.id : shortId(image.id);
  return {
    columns: columns("ID,CREATED,CREATED BY,SIZE,COMMENT"),
    rows: steps.map((step, index) => ({ name: image.id, cells: [index === 0 ? id : "<missing>", ago(step.created, now), shortened(step.createdBy), humanSize(step.size), step.comment] })),
    value: () => steps.map((step, index) => ({ id: index === 0 ? image.id : "", ...step })),
    whole,
  };
}
