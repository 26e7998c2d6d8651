/** `wherry image inspect`: what is known of images. */
import { fail } from "../../../base/errors.ts";
import { findImage } from "../../../storage/mod.ts";
import type { Command, Outcome } from "../../command.ts";
import { output } from "../../options.ts";

export const command: Command = {
  description: "Prints an array with one value for each name.",
  options: [output("json", "yaml")],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const { images } = await context.engine.durable();
    const find = (name: string): unknown => findImage(images, name) ?? fail("notFound", `Cannot find image "${name}": it is not in the store`, { hint: "see wherry image ls" });
    return { kind: "value", value: input.words.map(find) };
  },
};
