/** `wherry volume rm`: removes volumes with what is in them. */
import { removeVolume } from "../../../service/claimVolumes.ts";
import { changing } from "../../changing.ts";
import { findClaim } from "../../claims.ts";
import type { Command, Outcome } from "../../command.ts";
import { NAMESPACE, namespaceOf } from "../../options.ts";

export const command: Command = {
  description: "What a PersistentVolume of a manifest holds is removed when its reclaim policy says so (Delete, Recycle), and kept with Retain. A volume that a pod has is not removed (exit status 125).",
  options: [NAMESPACE],
  words: [{ name: "NAME", repeat: true, complete: "volumes" }],
  async run(context, input): Promise<Outcome> {
    using engine = changing(context);
    const namespace = namespaceOf(input, { all: false }) ?? "default";
    const claims = input.words.map((word) => findClaim(engine.durable, word, namespace));
    for (const claim of claims) await removeVolume(engine, claim);
    return { kind: "text", text: claims.map(({ claim }) => claim.metadata.name).join("\n") };
  },
};
