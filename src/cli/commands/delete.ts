/** `wherry delete pod NAME`, kubectl's form of `wherry pod rm`: returns when the pod is gone. */
import { fail } from "../../base/errors.ts";
import type { Command } from "../command.ts";
import { change } from "./changePods.ts";
import { ALL_NAMESPACES, GRACE, gracePeriod, NAMESPACE } from "../options.ts";

export const command: Command = {
  description: "The pod stays in the manifest: playing the file again makes it anew.",
  examples: ["wherry delete pod web", "wherry delete pod/web --grace-period 0"],
  options: [NAMESPACE, ALL_NAMESPACES, { long: "all", summary: "every pod of the namespace" }, GRACE, { long: "quiet", short: "q", summary: "no progress" }],
  words: [{ name: "pod|pod/NAME" }, { name: "NAME", optional: true, repeat: true, complete: "pods" }],
  run(context, input) {
    const [first = "", ...names] = input.words;
    const kind = first.split("/")[0] ?? "";
    if (!["pod", "pods", "po"].includes(kind)) fail("usage", `Cannot delete "${first}": only pods can be deleted, the rest goes with its service (wherry down)`);
    const words = first.includes("/") ? input.words : names;
    return change(context, { ...input, words }, { verb: "remove", grace: gracePeriod(input), signal: undefined });
  },
};
