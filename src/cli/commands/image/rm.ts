/** `wherry image rm`: takes a name away, or removes an image. */
import type { RuntimeState } from "../../../state/state.ts";
import type { Command, Outcome } from "../../command.ts";

export const command: Command = {
  description: "An image with several names loses the one given; with its last name it goes, unless a pod uses it (exit status 125).",
  options: [],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  async run(context, input): Promise<Outcome> {
    const { removeImage } = await import("../../../storage/mod.ts");
    const store = await context.engine.store();
    const users = usersOf(await context.engine.runtime());
    const lines: string[] = [];
    for (const name of input.words) {
      const { untagged, removed } = await removeImage(store, name, users);
      lines.push(...untagged.map((each) => `Untagged: ${each}`), ...(removed === undefined ? [] : [`Deleted: ${removed}`]));
    }
    return { kind: "text", text: lines.join("\n") };
  },
};

/** Image id → the pods with a container of it. */
function usersOf(state: RuntimeState): ReadonlyMap<string, readonly string[]> {
  const names = new Map(state.pods().map(({ uid, pod: { metadata } }) => [uid, `pod "${metadata.namespace}/${metadata.name}"`]));
  const byImage = Map.groupBy(state.containers(), (each) => each.imageId);
  return new Map([...byImage].map(([id, containers]) => [id, [...new Set(containers.flatMap((each) => names.get(each.pod) ?? []))]]));
}
