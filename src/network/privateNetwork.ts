/**
 * Pods on a bridge in a network namespace that is wherry's own (`outsideWords.ts`). Its firewall has the same few rules
 * for all pods as long as it stands, so a pod is an interface with addresses and nothing else: rtnetlink(7) without a
 * program. Everything here may be repeated: it makes what is missing, and what it makes is named after the pod.
 *
 * Attaching and detaching run one at a time, among processes too, for the bridge goes with its last pod. The register
 * says which pods are on it: the kernel ends namespaces, and the interfaces in them, some time later.
 */
import { closeSync, openSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { semaphore } from "../base/semaphore.ts";
import { deafen, trustAddresses } from "./ipv6.ts";
import { takeLock } from "./lock.ts";
import { inNetwork, isLostNamespace, namespacesStand } from "./namespaces.ts";
import type { Attachment, Bridge, Network } from "./network.ts";
import { register } from "./register.ts";
import { macOf, POD_INTERFACE } from "./request.ts";
import { addAddress, addDefaultRoute, addPort, addVeth, deleteLink, ensureBridge, inSubnet, raiseLink } from "./rtnetlink.ts";

export interface PrivateNetworkOptions {
  /** On tmpfs; holds one directory per bridge. */
  readonly registerDirectory: string;
  readonly lockPath: string;
}

/** Milliseconds for the wait until other processes have ended their changes. */
const LOCK_TIMEOUT = 120_000;

/** The network driver for the calling thread's network namespace. */
export function privateNetwork({ registerDirectory, lockPath }: PrivateNetworkOptions): Network {
  const turns = semaphore(1); // the lock is for other processes
  const alone = <T>(change: () => T): Promise<T> =>
    turns.run(async () => {
      using _lock = await takeLock(lockPath, { shared: false, timeout: LOCK_TIMEOUT });
      return change();
    });
  return {
    attach: (attachment) => alone(() => attach(attachment, registerDirectory)),
    detach: (attachment) => alone(() => detach(attachment, registerDirectory)),
  };
}

function attach(attachment: Attachment, directory: string): { readonly mac: string } {
  const { uid, podName, netns, bridge, ip } = attachment;
  if (!namespacesStand({ network: netns })) fail("failed", `Cannot attach pod "${podName}": "${netns}" is not a network namespace`);
  register(directory, bridge).putMember(uid, "changing");
  try {
    standBridge(attachment);
    removePair(attachment);
    addPair(attachment);
  } catch (thrown) {
    if (!isLostNamespace(thrown)) detach(attachment, directory); // else this is not the bridge's namespace any more
    throw thrown;
  }
  return { mac: macOf(ip) };
}

function detach(attachment: Attachment, directory: string): void {
  const { uid, bridge } = attachment;
  const known = register(directory, bridge);
  deleteLink(portOf(uid));
  known.removeMember(attachment);
  if (known.members().length > 0) return;
  deleteLink(bridge.interface);
  known.removeBridge();
}

/** The bridge with the gateway's addresses; the kernel would change its hardware address as ports come and go. */
function standBridge({ bridge, ip6 }: Attachment): void {
  const { interface: link, gateway, gateway6 } = bridge;
  ensureBridge(link, macOf(gateway));
  deafen(bridge);
  for (const [address, subnet] of subnetsOf(bridge, ip6, [gateway, gateway6])) addAddress(link, inSubnet(address, subnet));
  raiseLink(link);
}

/** Whatever the pod has of an interface. */
function removePair({ uid, netns }: Attachment): void {
  deleteLink(portOf(uid));
  inNetwork(netns, () => deleteLink(POD_INTERFACE));
}

/** The pod's interface, which is made where it belongs, and its port of the bridge. */
function addPair({ uid, netns, bridge, ip, ip6 }: Attachment): void {
  const here = openSync("/proc/thread-self/ns/net", "r");
  try {
    inNetwork(netns, () => {
      if (ip6 !== undefined) trustAddresses();
      addVeth({ link: POD_INTERFACE, peer: portOf(uid), peerNetns: here, mac: macOf(ip) });
      for (const [address, subnet] of subnetsOf(bridge, ip6, [ip, ip6 ?? ""])) addAddress(POD_INTERFACE, inSubnet(address, subnet));
      raiseLink(POD_INTERFACE);
      for (const [gateway] of subnetsOf(bridge, ip6, [bridge.gateway, bridge.gateway6])) addDefaultRoute(POD_INTERFACE, gateway);
    });
  } finally {
    closeSync(here);
  }
  addPort(portOf(uid), bridge.interface);
}

/** Two addresses, each with the subnet of its family; one, where the pod has no IPv6. */
function subnetsOf({ subnet, subnet6 }: Bridge, ip6: string | undefined, [first, second]: readonly [string, string]): readonly (readonly [string, string])[] {
  return [[first, subnet], ...(ip6 === undefined ? [] : [[second, subnet6] as const])];
}

/** The end of a pod's pair that is on the bridge. */
const portOf = (uid: string): string => `veth${new Bun.CryptoHasher("sha256").update(uid).digest("hex").slice(0, 8)}`;
