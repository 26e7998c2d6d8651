/** `wherry image inspect`: what is known of images. */
import { imageCalled, imageDetails } from "../../../storage/mod.ts";
import type { Image, ImageCatalog } from "../../../storage/storage.ts";
import type { Command, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { usersOf } from "../../imageUsers.ts";
import { output } from "../../options.ts";

export const command: Command = {
  description: "Prints an array with one value for each name.",
  options: [output("json", "yaml")],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const { images } = await context.engine.durable();
    const users = usersOf(await context.engine.runtime(), images);
    const found = input.words.map((name) => imageCalled({ catalog: images }, name));
    return { kind: "value", value: found.map((image) => known(context, images, { image, users: users.get(image.id) ?? [] })) };
  },
};

function known(context: Context, catalog: ImageCatalog, { image, users }: { readonly image: Image; readonly users: readonly string[] }): object {
  return {
    ...image,
    ...imageDetails(context.paths.durable, image),
    layers: image.layers.map((diffId) => {
      const layer = catalog.layer(diffId);
      return { diffId, ...(layer === undefined ? { damage: "it is not in the store" } : { size: layer.size, ...(layer.damage === "" ? {} : { damage: layer.damage }) }) };
    }),
    usedBy: users,
  };
}
