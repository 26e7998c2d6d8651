/** `wherry image tag`: gives an image further names. */
import type { Command, Outcome } from "../../command.ts";

export const command: Command = {
  description: "A short TARGET is of this host: hello is localhost/hello:latest. A name that another image has goes over to this one.",
  examples: ["wherry image tag localhost/shop:1 registry.example/shop:1 shop:stable"],
  options: [],
  words: [{ name: "SOURCE", complete: "images" }, { name: "TARGET" }, { name: "TARGET", optional: true, repeat: true }],
  async run(context, input): Promise<Outcome> {
    const { tagImage } = await import("../../../storage/mod.ts");
    const [source = "", ...targets] = input.words;
    await tagImage(await context.engine.store(), source, targets);
    return { kind: "none" };
  },
};
