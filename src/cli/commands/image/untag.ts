/** `wherry image untag`: takes names away from images. */
import type { Command, Outcome } from "../../command.ts";

export const command: Command = {
  description: "An image that is called by its id loses all its names. The images stay, also without any name: image prune removes those.",
  options: [],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const { untagImage } = await import("../../../storage/mod.ts");
    const store = await context.engine.store();
    const taken = input.words.flatMap((name) => untagImage(store, name));
    return { kind: "text", text: taken.map((name) => `Untagged: ${name}`).join("\n") };
  },
};
