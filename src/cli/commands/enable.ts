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
  options: [{ long: "no-start", summary: "only at the next boot, not now" }, { long: "now", summary: "start now too, which is the default (--now=false: the same as --no-start)" }],
  words: [{ name: "FILE", complete: "files" }],
  async run(context, input) {
    const file = absolute(context, input.words[0] ?? "");
    const now = !input.flag("no-start") && input.text("now") !== "false";
    if (!existsSync(file)) fail("notFound", `Cannot enable "${file}": there is no such file`);
    await checkFiles(context, [file], { configMaps: [], namespace: undefined, annotations: {} });
    await enableUnit(file, { user: context.uid !== 0, now });
    return { kind: "text", text: `${unitNameOf(file)} enabled${now ? " and started" : ""}` };
  },
};
