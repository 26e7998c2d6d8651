/** `wherry volume prune`: removes volumes that nothing refers to. */
import { fail } from "../../../base/errors.ts";
import { removeVolume, titleOf, unused } from "../../../service/claimVolumes.ts";
import { changing } from "../../changing.ts";
import type { Command, Outcome } from "../../command.ts";

export const command: Command = {
  description: "Removes the volumes whose claims are in no pod and in no manifest that is played. Their content is lost: without --force it only says which they are.",
  options: [{ long: "force", short: "f", summary: "do it" }],
  words: [],
  async run(context, input): Promise<Outcome> {
    using engine = changing(context);
    const claims = unused(engine);
    if (!input.flag("force") && claims.length > 0) fail("usage", `Cannot prune volumes: ${claims.map((claim) => `"${titleOf(claim)}"`).join(", ")} would be removed with their content, use --force`);
    for (const claim of claims) await removeVolume(engine, claim);
    return { kind: "text", text: claims.map(({ claim }) => claim.metadata.name).join("\n") };
  },
};
