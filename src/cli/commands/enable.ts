/** `wherry enable FILE`: starts the file's unit now and at every boot. */
import { existsSync } from "node:fs";
import { fail } from "../../base/errors.ts";
import { enableUnit, unitNameOf } from "../../systemd/units.ts";
import type { Command } from "../command.ts";
import { absolute } from "../changing.ts";
import { checkFiles } from "../manifests.ts";

export const command: Command = {
  description: "The same as systemctl enable --now wherry@$(systemd-escape FILE).service. The manifest is checked first.",
  examples: ["wherry enable /srv/shop.yaml", "wherry enable --no-start /srv/shop.yaml"],
  options: [{ long: "no-start", summary: "only at the next boot, not now" }],
  words: [{ name: "FILE", complete: "files" }],
  async run(context, input) {
    const file = absolute(context, input.words[0] ?? "");
    if (!existsSync(file)) fail("notFound", `Cannot enable "${file}": there is no such file`);
    await checkFiles(context, [file], { configMaps: [], namespace: undefined, annotations: {} });
    await enableUnit(file, { user: context.uid !== 0, now: !input.flag("no-start") });
    return { kind: "text", text: `${unitNameOf(file)} enabled${input.flag("no-start") ? "" : " and started"}` };
  },
};
