/** The few changes of network interfaces that need no program: rtnetlink(7) requests, in the calling thread's network namespace. */
import { errnoName, interfaceIndex, routeRequest } from "../base/libc.ts";
import { fail } from "../base/errors.ts";
import { bytesOf } from "../base/sockets.ts";

const RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_NEWADDR = 20, RTM_NEWROUTE = 24;
const REQUEST_ACK = 0x1 | 0x4, CREATE_EXCLUSIVE = 0x200 | 0x400;
const IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MASTER = 10, IFLA_LINKINFO = 18, IFLA_NET_NS_FD = 28, IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, VETH_INFO_PEER = 1;
const IFF_UP = 1;
const IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_BROADCAST = 4, IFA_FLAGS = 8, IFA_F_NODAD = 2;
const RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6;
const AF_INET = 2, AF_INET6 = 10;
/** Table `main`, protocol `static`, scope `universe`, type `unicast` (rtnetlink(7)), and netavark's metric. */
const MAIN_STATIC_UNICAST = [254, 4, 0, 1], METRIC = 100;

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

export interface VethRequest {
  /** The end that is made here, and the other one; both are down. */
  readonly link: string;
  readonly peer: string;
  /** Bridge that the first end is a port of. */
  readonly master?: string;
  /** Descriptor of the network namespace that the other end is made in; here, when absent. */
  readonly peerNetns?: number;
  /** Hardware address of the first end, `0a:77:…`; the kernel's choice when absent. */
  readonly mac?: string;
}

/** Makes a veth pair (veth(4)). */
export function addVeth({ link, peer, ...request }: VethRequest): void {
  const away = request.peerNetns === undefined ? [] : [attribute(IFLA_NET_NS_FD, word(request.peerNetns))];
  const other = attribute(VETH_INFO_PEER, Buffer.concat([interfaceMessage(0), name(peer), ...away]));
  const port = request.master === undefined ? [] : [attribute(IFLA_MASTER, word(interfaceIndex(request.master)))];
  const address = request.mac === undefined ? [] : [hardware(request.mac)];
  create(link, [infoOf("veth", other), ...port, ...address]);
}

/** Makes a bridge, down, or finds it there. */
export function ensureBridge(link: string, mac: string): void {
  create(link, [infoOf("bridge"), hardware(mac)], ["EEXIST"]);
}

function create(link: string, attributes: readonly Uint8Array[], ignored: readonly string[] = []): void {
  demand(request(RTM_NEWLINK, CREATE_EXCLUSIVE, interfaceMessage(0), name(link), ...attributes), { action: "make", object: link }, ignored);
}

function infoOf(kind: string, data?: Uint8Array): Buffer {
  return attribute(IFLA_LINKINFO, Buffer.concat([attribute(IFLA_INFO_KIND, Buffer.from(kind)), ...(data === undefined ? [] : [attribute(IFLA_INFO_DATA, data)])]));
}

const hardware = (mac: string): Buffer => attribute(IFLA_ADDRESS, Buffer.from(mac.replaceAll(":", ""), "hex"));

/** Makes an interface a port of a bridge, and brings it up. */
export function addPort(link: string, master: string): void {
  demand(request(RTM_NEWLINK, 0, interfaceMessage(0, IFF_UP), name(link), attribute(IFLA_MASTER, word(interfaceIndex(master)))), { action: "add to a bridge", object: link });
}

/** Gives an interface a fixed hardware address, `0a:77:…`. */
export function setLinkAddress(link: string, mac: string): void {
  demand(request(RTM_NEWLINK, 0, interfaceMessage(0), name(link), hardware(mac)), { action: "set the address of", object: link });
}

export interface Placement {
  readonly address: string;
  /** Length of the network's prefix. */
  readonly prefix: number;
}

/** An address as one of a subnet, `10.89.0.0/16`. */
export const inSubnet = (address: string, subnet: string): Placement => ({ address, prefix: Number(subnet.split("/")[1]) });

/** Gives an interface an address, one of IPv6 to be used at once: nobody else has it. Repeating it is success. */
export function addAddress(link: string, { address, prefix }: Placement): void {
  const bytes = bytesOf(address);
  const message = Buffer.concat([Buffer.of(familyOf(bytes), prefix, 0, 0), word(interfaceIndex(link))]);
  const attributes = [attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes), attribute(IFA_FLAGS, word(IFA_F_NODAD))];
  const broadcast = bytes.length === 4 ? [attribute(IFA_BROADCAST, broadcastOf(bytes, prefix))] : [];
  demand(request(RTM_NEWADDR, CREATE_EXCLUSIVE, message, ...attributes, ...broadcast), { action: "add an address to", object: link }, ["EEXIST"]);
}

/** Sends by way of `gateway` what no other route of its family is for. Repeating it is success. */
export function addDefaultRoute(link: string, gateway: string): void {
  const bytes = bytesOf(gateway);
  const message = Buffer.concat([Buffer.of(familyOf(bytes), 0, 0, 0, ...MAIN_STATIC_UNICAST), word(0)]);
  const attributes = [attribute(RTA_GATEWAY, bytes), attribute(RTA_OIF, word(interfaceIndex(link))), attribute(RTA_PRIORITY, word(METRIC))];
  demand(request(RTM_NEWROUTE, CREATE_EXCLUSIVE, message, ...attributes), { action: "add a route to", object: link }, ["EEXIST"]);
}

const familyOf = (address: Uint8Array): number => (address.length === 4 ? AF_INET : AF_INET6);

/** The last address of the network. */
function broadcastOf(address: Buffer, prefix: number): Buffer {
  const last = Buffer.alloc(4);
  last.writeUInt32BE((address.readUInt32BE(0) | (2 ** (32 - prefix) - 1)) >>> 0);
  return last;
}
