/** `wherry disable FILE`: undoes `wherry enable FILE`. */
import { disableUnit, unitNameOf } from "../../systemd/units.ts";
import type { Command } from "../command.ts";
import { absolute } from "../changing.ts";

export const command: Command = {
  description: "The same as systemctl disable --now wherry@$(systemd-escape FILE).service. The file need not exist any more.",
  options: [{ long: "no-stop", summary: "only from the next boot on, not now" }, { long: "now", summary: "stop now too, which is the default (--now=false: the same as --no-stop)" }],
  words: [{ name: "FILE", complete: "files" }],
  async run(context, input) {
    const file = absolute(context, input.words[0] ?? "");
    const now = !input.flag("no-stop") && input.text("now") !== "false";
    await disableUnit(file, { user: context.uid !== 0, now });
    return { kind: "text", text: `${unitNameOf(file)} disabled${now ? " and stopped" : ""}` };
  },
};
