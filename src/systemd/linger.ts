/** Lingering (loginctl(1)): a user's service manager runs from boot on, and does not end with the last session. */
import { existsSync } from "node:fs";
import { fail, messageOf } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { isManaged } from "./scope.ts";

/** The command that root, or who may become it, gives. */
export const lingerCommand = (name: string): string => `sudo loginctl enable-linger ${name}`;

/** systemd-logind keeps a file for every user that lingers. */
export const isLingering = (name: string, root = ""): boolean => existsSync(`${root}/var/lib/systemd/linger/${name}`);

/** Milliseconds in which a manager that was asked for is there. */
const MANAGER_WITHIN = 10_000;

/** Lets the user of this process linger, and waits for the manager, which logind only asks for. Kind `unavailable`, with the command for root, where that is not permitted. */
export async function letLinger(name: string, uid = process.getuid?.() ?? 0): Promise<void> {
  const { status, stderr } = await exec(["loginctl", "--no-ask-password", "enable-linger", name], { allowFailure: true, timeout: 30_000 }).catch((thrown: unknown) => ({ status: -1, stderr: messageOf(thrown) }));
  if (status !== 0) fail("unavailable", `Cannot let user "${name}" linger: ${stderr.trim().split("\n").at(-1) ?? `exit status ${status}`}`, { code: "ELINGER", hint: lingerCommand(name) });
  // It tells nobody when it listens.
  for (let pause = 10, waited = 0; !isManaged({ uid }) && waited < MANAGER_WITHIN; waited += pause, pause *= 2) await Bun.sleep(pause);
}
