/** `wherry enable FILE`: starts the file's unit now and at every boot. */
import { existsSync } from "node:fs";
import { fail } from "../../base/errors.ts";
import { userName } from "../../base/users.ts";
import { enableUnit, unitNameOf } from "../../systemd/units.ts";
import { isManaged } from "../../systemd/scope.ts";
import type { Command, Input } from "../command.ts";
import type { Context } from "../context.ts";
import { absolute } from "../changing.ts";
import { LINGER, offerLingering } from "../linger.ts";
import { gatherHost } from "../doctor/gather.ts";
import { requireManager } from "../doctor/lacks.ts";
import { checkFiles } from "../manifests.ts";

export const command: Command = {
  description: "The same as systemctl enable --now wherry@$(systemd-escape FILE).service. The manifest is checked first. An ordinary user's services start at boot, and go on after a logout, only when the user lingers: on a terminal that is offered.",
  examples: ["wherry enable /srv/shop.yaml", "wherry enable --no-start /srv/shop.yaml"],
  options: [{ long: "no-start", summary: "only at the next boot, not now" }, { long: "now", summary: "start now too, which is the default (--now=false: the same as --no-start)" }, ...LINGER],
  words: [{ name: "FILE", complete: "files" }],
  async run(context, input) {
    const file = absolute(context, input.words[0] ?? "");
    const now = !input.flag("no-start") && input.text("now") !== "false";
    if (!existsSync(file)) fail("notFound", `Cannot enable "${file}": there is no such file`);
    await checkFiles(context, [file], { configMaps: [], namespace: undefined, annotations: {} });
    if (context.uid !== 0) await readyUser(context, input);
    await enableUnit(file, { user: context.uid !== 0, now });
    return { kind: "text", text: `${unitNameOf(file)} enabled${now ? " and started" : ""}` };
  },
};

/** The user's manager is to have the unit, now and later. */
async function readyUser(context: Context, input: Input): Promise<void> {
  await offerLingering(context, input, { name: userName(context.uid) });
  requireManager({ ...gatherHost(context.uid), userManager: isManaged(context) });
}
