/** `wherry image rm`: takes a name away, or removes an image. */
import type { Command, Outcome } from "../../command.ts";
import { usersOf } from "../../imageUsers.ts";

export const command: Command = {
  description: "An image with several names loses the one given; with its last name it goes, unless a pod uses it (exit status 125).",
  options: [],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const { removeImage } = await import("../../../storage/mod.ts");
    const store = await context.engine.store();
    const users = usersOf(await context.engine.runtime(), store.catalog);
    const lines: string[] = [];
    for (const name of input.words) {
      const { untagged, removed } = await removeImage(store, name, users);
      lines.push(...untagged.map((each) => `Untagged: ${each}`), ...(removed === undefined ? [] : [`Deleted: ${removed}`]));
    }
    return { kind: "text", text: lines.join("\n") };
  },
};
