/** `wherry image save`: images into an archive. */
import { resolve } from "node:path";
import { fail } from "../../../base/errors.ts";
import { ARCHIVE_FORMATS } from "../../../storage/export.ts";
import type { Command, Input, Outcome } from "../../command.ts";
import type { Context } from "../../context.ts";
import { shown } from "../../progress/shown.ts";
import { stepWriter } from "../../steps.ts";

export const command: Command = {
  description: "Several images share the layers that they have in common. Images keep their ids. An image that is named by its id is saved without a name. Layers are not compressed: the archive may be, as a whole.",
  examples: ["wherry save -o shop.tar shop:1 db:1", "wherry save shop:1 | zstd > shop.tar.zst", "wherry save --format oci-archive -o shop.oci.tar shop:1"],
  options: [
    { long: "output", short: "o", value: "FILE|-", summary: "write to this file instead of the standard output", complete: "files" },
    { long: "format", value: "FORMAT", choices: ARCHIVE_FORMATS, summary: `${ARCHIVE_FORMATS.join(" (default) or ")}` },
    { long: "quiet", short: "q", summary: "no progress" },
  ],
  words: [{ name: "NAME", repeat: true, complete: "images" }],
  run: save,
};

async function save(context: Context, input: Input): Promise<Outcome> {
  const { archiveOf, imagesToExport, saveToFile } = await import("../../../storage/mod.ts");
  const file = input.text("output") ?? "-";
  if (file === "-" && context.stdout.isTerminal) fail("usage", "Cannot save to a terminal: the standard output should be a file or a pipe, or -o FILE be given");
  const [driver, store] = [await context.engine.images(), await context.engine.store()];
  const exported = imagesToExport(store, input.words);
  const format = ARCHIVE_FORMATS.find((each) => each === input.text("format")) ?? "docker-archive";
  const bytes = (signal?: AbortSignal): AsyncIterable<Uint8Array> =>
    archiveOf(store, exported, { format, writeLayer: driver.writeLayer, onStep: stepWriter(context, input.flag("quiet")), ...(signal && { signal }) });
  // A pipe that nobody reads blocks us, and a signal that is waited for would not end that
  if (file === "-") return { kind: "stream", chunks: bytes() };
  return shown(context, { quiet: true }, async (_, signal) => {
    await saveToFile(resolve(context.cwd, file), bytes(signal));
    return { kind: "none" };
  });
}
