/**
 * IPv6 beside IPv4 on a bridge. netavark sets up both for pods with host ports that answer on IPv6. For all others it
 * would run ip6tables a dozen times to find that nothing is to be done, which makes an attach half as long again: they
 * get the same address and route by rtnetlink(7).
 *
 * A bridge is opened for IPv4, and *raised* to IPv6 by the first pod that has it, beside the setups of others: those have
 * nothing of IPv6 in the firewall, or they wait for it. Raising has a lock of its own, which the raising netavark
 * inherits; taken within the shared lock, so that nobody closes the bridge meanwhile.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { isIPv4 } from "../base/addresses.ts";
import { readIfExists } from "../base/files.ts";
import { unless } from "../base/errors.ts";
import { inStead, type Job, lock6For, netavark } from "./job.ts";
import { inNetwork } from "./namespaces.ts";
import type { Attachment, Bridge } from "./network.ts";
import { POD_INTERFACE } from "./request.ts";
import { addAddress, addDefaultRoute, inSubnet } from "./rtnetlink.ts";

/** Kernel parameters (ip-sysctl.rst); what a path below /proc/sys/net shows and changes belongs to the calling thread's network namespace. */
const PARAMETERS = "/proc/sys/net/ipv6/conf";
const parameter = (link: string, name: string): string => readIfExists(`${PARAMETERS}/${link}/${name}`)?.trim() ?? "";
const setParameter = (link: string, name: string, value: string): void => writeFileSync(`${PARAMETERS}/${link}/${name}`, value);

/** The kernel has IPv6, and gives it to new interfaces. */
export const hostHasIPv6 = (): boolean => ["all", "default"].every((each) => parameter(each, "disable_ipv6") === "0");

/** True when the pod has host ports that answer on IPv6: netavark must know its address. */
export const isPublished6 = ({ ip6, ports }: Attachment): boolean =>
  ip6 !== undefined && ports.some(({ hostIP }) => hostIP === "0.0.0.0" || !isIPv4(hostIP));

/**
 * To be called before a host begins to forward. It would then forget the routes that routers have told it, and learn no
 * new ones, unless its interfaces are told to go on (`accept_ra` 2): without this, the first pod would cut off a host
 * whose IPv6 is configured by its router.
 */
export function keepRouters(): void {
  if (parameter("all", "forwarding") !== "0") return;
  for (const link of unless("ENOENT", () => readdirSync(PARAMETERS), [])) {
    if (["all", "default", "lo"].includes(link) || parameter(link, "accept_ra") !== "1") continue;
    unless("ENOENT", () => setParameter(link, "accept_ra", "2"), undefined); // the interface may have gone meanwhile
  }
}

/** Before a pod is on it: a bridge learns no routes, which any pod could tell it. */
export function deafen({ interface: link }: Bridge): void {
  if (parameter(link, "accept_ra") !== "") setParameter(link, "accept_ra", "0");
}

/** The bridge's own address, which netavark gives only to a bridge that it makes. */
export const addGateway6 = (bridge: Bridge): void => addAddress(bridge.interface, inSubnet(bridge.gateway6, bridge.subnet6));

/** Who is on the bridge while it is raised: it has the addresses of no pod, as its interface is gone only a moment after its namespace. */
function nobody({ ip6: _, ...attachment }: Attachment): Attachment {
  return { ...attachment, ip: "0.0.0.0", ports: [] };
}

/** Needs the shared lock, of a bridge that is open. */
export async function raiseBridge(job: Job): Promise<void> {
  const { known, attachment: { bridge } } = job;
  if (known.bridge() === "open6") return;
  using lock = await lock6For(job);
  if (known.bridge() === "open6") return;
  known.putBridge("raising");
  keepRouters();
  addGateway6(bridge);
  await inStead(job, { linked: false }, (netns) => netavark({ ...job, attachment: nobody(job.attachment) }, "setup", { lock, netns, portChain: true, families: "IPv6" }));
  known.putBridge("open6");
}

/** Before an interface is made in this namespace: its addresses can be used at once, as netavark has it, without a second of detection of duplicates. */
export const trustAddresses = (): void => setParameter("default", "accept_dad", "0");

/** The pod's IPv6 address and route, on an interface that stands. */
export function addPodAddress6({ netns, bridge }: Attachment, ip6: string): void {
  inNetwork(netns, () => {
    addAddress(POD_INTERFACE, inSubnet(ip6, bridge.subnet6));
    addDefaultRoute(POD_INTERFACE, bridge.gateway6);
  });
}
