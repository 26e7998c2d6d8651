/** `wherry volume import`: puts the content of a tar archive into a volume. */
import { fail } from "../../../base/errors.ts";
import { pathOf, provide } from "../../../pod/claims.ts";
import { refuseInUse } from "../../../service/claimVolumes.ts";
import { importVolume, ownStdin } from "../../../storage/volumeArchive.ts";
import { absolute, changing } from "../../changing.ts";
import { findClaim } from "../../claims.ts";
import type { Command, Outcome } from "../../command.ts";
import { NAMESPACE, namespaceOf } from "../../options.ts";

export const command: Command = {
  description: "The volume must exist. Files of the archive replace those of the same name, others stay. FILE - is stdin. A volume that a pod has is left alone (exit status 125).",
  options: [NAMESPACE],
  words: [{ name: "NAME", complete: "volumes" }, { name: "FILE|-", complete: "files" }],
  async run(context, input): Promise<Outcome> {
    const [name = "", file = ""] = input.words;
    using engine = changing(context);
    const claim = findClaim(engine.durable, name, namespaceOf(input, { all: false }) ?? "default");
    if (claim.volume.spec.volumeMode === "Block") fail("unsupported", `Cannot import into volume "${name}": it is a block device, it should be a directory`);
    refuseInUse(engine, claim, "import into");
    provide(claim);
    await importVolume(pathOf(claim), file === "-" ? ownStdin() : absolute(context, file));
    return { kind: "none" };
  },
};
