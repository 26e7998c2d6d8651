/**
 * The network of an ordinary user's wherry: the bridge and everything of it are in a network namespace of the user.
 * This file says where things are; `outsideWords.ts` makes the namespace, `outside.ts` keeps it connected, and whoever
 * changes something in it does so from a thread of its own (`pod/networkThread.ts`).
 */
export { OUTSIDE, OUTSIDE_SETUP, netnsIn } from "./outsideWords.ts";
export { ensureOutside } from "./outside.ts";
export { privateNetwork, type PrivateNetworkOptions } from "./privateNetwork.ts";
