/**
 * The bridge as the kernel shows it, and its *anchor*: a port that belongs to no pod. netavark removes a bridge and its
 * chains when a teardown finds no port on it, whoever may be about to add one; while the anchor stands, no teardown is
 * the last. The bridge also gets a fixed hardware address: the kernel would change it as ports come and go, and pods
 * would send to their gateway's old one.
 */
import { interfaceIndex } from "../base/libc.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import type { Bridge } from "./network.ts";
import { macOf } from "./request.ts";
import { addVeth, deleteLink, setLinkAddress } from "./rtnetlink.ts";

const INTERFACE_NAME_MAX = 15;

/** The two ends of the anchor, the first of them the port: `wherry0-a`, `wherry0-b`. */
export function anchorOf({ interface: name }: Bridge): readonly [string, string] {
  const fits = name.length + 2 <= INTERFACE_NAME_MAX;
  const stem = fits ? name : `br${new Bun.CryptoHasher("sha256").update(name).digest("hex").slice(0, INTERFACE_NAME_MAX - 4)}`;
  return [`${stem}-a`, `${stem}-b`];
}

export const bridgeExists = (bridge: Bridge): boolean => interfaceIndex(bridge.interface) > 0;
export const anchorStands = (bridge: Bridge): boolean => bridgeExists(bridge) && interfaceIndex(anchorOf(bridge)[0]) > 0;

/**
 * The ports of a bridge, none when it does not exist. Asked of the kernel by netlink (ip-link(8)), not read from /sys,
 * which shows the interfaces of the network namespace that it was mounted in.
 */
export function portsOf(bridge: Bridge): readonly string[] {
  if (!bridgeExists(bridge)) return [];
  const { stdout } = Bun.spawnSync(["ip", "-oneline", "link", "show", "master", bridge.interface], { env: CLEAN_ENV, timeout: 10_000 });
  return [...stdout.toString().matchAll(/^\d+: ([^:@]+)[:@]/gm)].map(([, name = ""]) => name);
}

/** Fixes the bridge's hardware address and adds the anchor. */
export function setAnchor(bridge: Bridge): void {
  const [port, peer] = anchorOf(bridge);
  setLinkAddress(bridge.interface, macOf(bridge.gateway));
  deleteLink(port);
  addVeth({ link: port, peer: peer, master: bridge.interface });
}

/** Deletes the anchor and every other port, so that the next teardown is the last. */
export function removePorts(bridge: Bridge): void {
  for (const port of new Set([...portsOf(bridge), anchorOf(bridge)[0]])) deleteLink(port);
}

/** Deletes a bridge that no pod is on: netavark takes an existing bridge as it is, and this one may be half-made. */
export function removeIdleBridge(bridge: Bridge): void {
  const anchor = anchorOf(bridge)[0];
  if (portsOf(bridge).some((port) => port !== anchor)) return;
  deleteLink(anchor);
  deleteLink(bridge.interface);
}
