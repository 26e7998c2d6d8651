/**
 * The network of an ordinary user's wherry: the bridge and everything of it are in a network namespace of the user.
 * This file says where things are; `outsideWords.ts` makes the namespace, `outside.ts` keeps it connected, and whoever
 * changes something in it does so from a thread of its own (`pod/networkThread.ts`).
 */
import type { NetavarkOptions } from "./netavark.ts";
export { OUTSIDE, OUTSIDE_SETUP, netnsIn } from "./outsideWords.ts";
export { ensureOutside } from "./outside.ts";

/** The driver's options. The directory is the one that `OUTSIDE_SETUP` ran in; `configDirectory` may be another. */
export function userNetavark(directory: string, configDirectory: string): NetavarkOptions {
  const environment = {
    XTABLES_LOCKFILE: `${directory}/xtables.lock`, // the usual one is in /run, which is the host's
    DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${directory}/none`, // the host's firewalld has no say here
  };
  return { configDirectory, lockPath: `${directory}/network.lock`, environment };
}
