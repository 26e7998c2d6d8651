/**
 * An ordinary user's room on this machine: who runs the tests is not root, and has a manager of the own. What root's
 * wherry has on the host, this one has in the user's namespaces: mounts, the bridge and its firewall.
 */
import { homedir } from "node:os";
import { rootlessDirectory } from "../../src/base/paths.ts";
import { netnsIn } from "../../src/network/outsideWords.ts";
import { livingHolder } from "../../src/rootless/holder.ts";
import type { Directories, Inside } from "./leaks.ts";

const uid = process.getuid?.() ?? 0;

/** Whether tests that run here (`WHERRY_ROOM=here`) are an ordinary user's. */
export const ORDINARY = uid !== 0 && process.env["WHERRY_ROOM"] === "here";

/** What a login gives the user. */
export const USER_ENVIRONMENT = { HOME: homedir(), XDG_RUNTIME_DIR: `/run/user/${uid}` };

/** The namespaces of the user's wherry, when they stand. */
export function insideOf({ runtime }: Directories): Inside | undefined {
  const pid = livingHolder(runtime);
  if (pid === undefined) return undefined;
  const network = `--net=${netnsIn(rootlessDirectory(runtime))}`;
  return { pid, enter: (argv) => ["nsenter", "--target", String(pid), "--user", "--mount", "--preserve-credentials", "--", "nsenter", network, "--", ...argv] };
}
