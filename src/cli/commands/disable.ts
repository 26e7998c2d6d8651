/** `wherry disable FILE`: undoes `wherry enable FILE`. */
import { disableUnit, unitNameOf } from "../../systemd/units.ts";
import type { Command } from "../command.ts";
import { absolute } from "../changing.ts";

export const command: Command = {
  description: "The same as systemctl disable --now wherry@$(systemd-escape FILE).service. The file need not exist any more.",
  options: [{ long: "no-stop", summary: "only from the next boot on, not now" }],
  words: [{ name: "FILE", complete: "files" }],
  async run(context, input) {
    const file = absolute(context, input.words[0] ?? "");
    await disableUnit(file, { user: context.uid !== 0, now: !input.flag("no-stop") });
    return { kind: "text", text: `${unitNameOf(file)} disabled${input.flag("no-stop") ? "" : " and stopped"}` };
  },
};
