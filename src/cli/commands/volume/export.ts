/** `wherry volume export`: what is in a volume, as a tar archive. */
import { fail } from "../../../base/errors.ts";
import { pathOf } from "../../../pod/claims.ts";
import { archiveOf, exportVolume } from "../../../storage/volumeArchive.ts";
import { absolute } from "../../changing.ts";
import { findClaim } from "../../claims.ts";
import type { Command, Outcome } from "../../command.ts";
import { NAMESPACE, namespaceOf } from "../../options.ts";

export const command: Command = {
  description: "Writes the archive to stdout, or to a file. A volume that is in use may change meanwhile.",
  examples: ["wherry volume export data --output data.tar", "wherry volume export data | ssh other wherry volume import data -"],
  options: [NAMESPACE, { long: "output", short: "o", value: "FILE", summary: "write to this file", complete: "files" }],
  words: [{ name: "NAME", complete: "volumes" }],
  async run(context, input): Promise<Outcome> {
    const claim = findClaim(await context.engine.durable(), input.words[0] ?? "", namespaceOf(input, { all: false }) ?? "default");
    if (claim.volume.spec.volumeMode === "Block") fail("unsupported", `Cannot export volume "${claim.claim.metadata.name}": it is a block device, it should be a directory`);
    const file = input.text("output");
    if (file !== undefined) {
      await exportVolume(pathOf(claim), absolute(context, file));
      return { kind: "none" };
    }
    if (context.stdout.isTerminal) fail("usage", "Cannot export to a terminal: use --output FILE, or a pipe");
    return { kind: "stream", chunks: archiveOf(pathOf(claim)) };
  },
};
