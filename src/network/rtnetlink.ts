/** The few changes of network interfaces that need no program: rtnetlink(7) requests, in the calling thread's network namespace. */
import { errnoName, interfaceIndex, routeRequest } from "../base/libc.ts";
import { fail } from "../base/errors.ts";
import { bytesOf } from "../base/sockets.ts";

const RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_NEWADDR = 20, RTM_NEWROUTE = 24;
const REQUEST_ACK = 0x1 | 0x4, CREATE_EXCLUSIVE = 0x200 | 0x400;
const IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MASTER = 10, IFLA_LINKINFO = 18, IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, VETH_INFO_PEER = 1;
const IFF_UP = 1;
const IFA_ADDRESS = 1, IFA_FLAGS = 8, IFA_F_NODAD = 2, PREFIX6 = 64;
const RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6;
/** `AF_INET6`; table `main`, protocol `static`, scope `universe`, type `unicast` (rtnetlink(7)), and netavark's metric. */
const AF_INET6 = 10, MAIN_STATIC_UNICAST = [254, 4, 0, 1], METRIC = 100;

/** One attribute: length and type, then the value, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  whole.set(value, 4);
  return whole;
}

const word = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const name = (value: string): Buffer => attribute(IFLA_IFNAME, Buffer.from(`${value}\0`));

/** `struct ifinfomsg`: the interface by index (0: by the name attribute), and the flags to raise. */
function interfaceMessage(index: number, raise = 0): Buffer {
  return Buffer.concat([word(0), word(index), word(raise), word(raise)]);
}

function request(type: number, flags: number, ...parts: readonly Uint8Array[]): number {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(REQUEST_ACK | flags, 6);
  return routeRequest(Buffer.concat([header, body]));
}

function demand(result: number, what: { readonly action: string; readonly object: string }, ignored: readonly string[] = []): void {
  if (result === 0) return;
  const code = errnoName(result);
  if (!ignored.includes(code)) fail("failed", `Cannot ${what.action} network interface "${what.object}": ${code}`, { code });
}

/** Brings an interface up. */
export function raiseLink(link: string): void {
  demand(request(RTM_NEWLINK, 0, interfaceMessage(0, IFF_UP), name(link)), { action: "bring up", object: link });
}

/** Deletes an interface (of a veth pair: both); none of that name is success. The kernel takes about 20 ms for it. */
export function deleteLink(link: string): void {
  demand(request(RTM_DELLINK, 0, interfaceMessage(0), name(link)), { action: "delete", object: link }, ["ENODEV"]);
}

/** Makes a veth pair, both ends here and down; with `master`, the first end is a port of that bridge. */
export function addVeth(link: string, peer: string, master?: string): void {
  const peerData = attribute(VETH_INFO_PEER, Buffer.concat([interfaceMessage(0), name(peer)]));
  const kind = attribute(IFLA_INFO_KIND, Buffer.from("veth"));
  const info = attribute(IFLA_LINKINFO, Buffer.concat([kind, attribute(IFLA_INFO_DATA, peerData)]));
  const port = master === undefined ? [] : [attribute(IFLA_MASTER, word(interfaceIndex(master)))];
  demand(request(RTM_NEWLINK, CREATE_EXCLUSIVE, interfaceMessage(0), name(link), info, ...port), { action: "make", object: link });
}

/** Gives an interface a fixed hardware address, `0a:77:…`. */
export function setLinkAddress(link: string, mac: string): void {
  const address = attribute(IFLA_ADDRESS, Buffer.from(mac.replaceAll(":", ""), "hex"));
  demand(request(RTM_NEWLINK, 0, interfaceMessage(0), name(link), address), { action: "set the address of", object: link });
}

/** Gives an interface an IPv6 address of a /64, to be used at once: nobody else has it. Repeating it is success. */
export function addAddress6(link: string, address: string): void {
  const message = Buffer.concat([Buffer.of(AF_INET6, PREFIX6, 0, 0), word(interfaceIndex(link))]);
  const attributes = [attribute(IFA_ADDRESS, bytesOf(address)), attribute(IFA_FLAGS, word(IFA_F_NODAD))];
  demand(request(RTM_NEWADDR, CREATE_EXCLUSIVE, message, ...attributes), { action: "add an IPv6 address to", object: link }, ["EEXIST"]);
}

/** Sends by way of `gateway` what no other IPv6 route is for. Repeating it is success. */
export function addDefaultRoute6(link: string, gateway: string): void {
  const message = Buffer.concat([Buffer.of(AF_INET6, 0, 0, 0, ...MAIN_STATIC_UNICAST), word(0)]);
  const attributes = [attribute(RTA_GATEWAY, bytesOf(gateway)), attribute(RTA_OIF, word(interfaceIndex(link))), attribute(RTA_PRIORITY, word(METRIC))];
  demand(request(RTM_NEWROUTE, CREATE_EXCLUSIVE, message, ...attributes), { action: "add an IPv6 route to", object: link }, ["EEXIST"]);
}
