/**
 * Host ports of an ordinary user's pods. A process of its own listens on them in the host's network namespace, and then
 * moves into the user's for good: what it accepts goes on from there to the pod. It goes on in the client's own name: the
 * pod sees the address that the client has. Clients of this host's loopback interface come from the bridge, as they do
 * for root.
 */
import { BlockList } from "node:net";
import { isIPv4 } from "../base/addresses.ts";
import { errnoOf, fail, WherryError } from "../base/errors.ts";
import { connectFrom, type SocketAddress } from "../base/sockets.ts";
import { firstFreePort, freePortCommand } from "./lowPorts.ts";
import { enterNetwork } from "./namespaces.ts";
import type { Attachment, PortMapping } from "./network.ts";
import { OUTSIDE } from "./outsideWords.ts";
import { whoListens } from "./listeners.ts";
import { join, type RelayEnd, relayEnd, relayHandlers } from "./relay.ts";
import { relayDatagrams } from "./relayDatagrams.ts";

export interface Publication {
  readonly attachment: Attachment;
  /** The user's network namespace. */
  readonly netns: string;
}

/** Makes the way to a port of the pod for one client. */
export type Dial = <T>(client: SocketAddress, options: Adopting<T>) => Promise<Bun.Socket<T>>;

export interface Adopting<T> {
  readonly data: T;
  readonly socket: Bun.SocketHandler<T>;
}

/**
 * Listens on all ports, or fails and listens on none: kind `conflict` when one is taken, `unavailable` when the user may
 * not have it, `unsupported` for SCTP. Returns in the user's network namespace, and goes on as long as the process does.
 */
export async function publish({ attachment, netns }: Publication): Promise<void> {
  const moved = Promise.withResolvers<void>();
  for (const port of attachment.ports) {
    for (const [hostname, pod] of waysOf(attachment, port)) await listen({ attachment, port, hostname }, dialler({ attachment, port, pod, moved: moved.promise }));
  }
  enterNetwork(netns);
  moved.resolve();
}

/** Addresses to listen on, each with the pod's address of its family. */
export function waysOf({ ip, ip6 }: Pick<Attachment, "ip" | "ip6">, { hostIP }: Pick<PortMapping, "hostIP">): readonly (readonly [string, string])[] {
  const second = ip6 === undefined ? [] : [ip6];
  if (hostIP === "" || hostIP === "::") return [["0.0.0.0", ip], ...second.map((pod) => ["::", pod] as const)];
  return isIPv4(hostIP) ? [[hostIP, ip]] : second.map((pod) => [hostIP, pod] as const);
}

interface Place {
  readonly attachment: Attachment;
  readonly port: PortMapping;
  readonly hostname: string;
}

async function listen(place: Place, dial: Dial): Promise<void> {
  const { hostname, port: { hostPort, protocol } } = place;
  try {
    if (protocol === "sctp") fail("unsupported", `Cannot publish port "${hostPort}/sctp" of pod "${place.attachment.podName}": an ordinary user has no SCTP, it should be TCP or UDP`);
    if (protocol === "udp") return await relayDatagrams({ hostname, port: hostPort }, dial);
    const open = (near: Bun.Socket<RelayEnd>): void => accept(near, dial);
    const where = { hostname, port: hostPort, ipv6Only: true }; // IPv4 has a socket of its own
    Bun.listen<RelayEnd>({ ...where, allowHalfOpen: true, data: relayEnd(), socket: { ...relayHandlers, open } });
  } catch (thrown) {
    throw refusal(thrown, place);
  }
}

function accept(near: Bun.Socket<RelayEnd>, dial: Dial): void {
  near.data = relayEnd();
  near.pause();
  dial({ address: near.remoteAddress, port: near.remotePort }, { data: relayEnd(), socket: relayHandlers }).then((far) => join(near, far), () => near.terminate());
}

interface Way {
  readonly attachment: Attachment;
  readonly port: PortMapping;
  readonly pod: string;
  readonly moved: Promise<void>;
}

function dialler({ attachment, port, pod, moved }: Way): Dial {
  const nearer = nearerThan(attachment);
  const protocol = port.protocol === "udp" ? "udp" : "tcp";
  return async <T>(client: SocketAddress, { data, socket }: Adopting<T>): Promise<Bun.Socket<T>> => {
    await moved;
    const family = isIPv4(client.address) ? "ipv4" : "ipv6";
    const from = nearer.check(client.address, family) ? { address: isIPv4(pod) ? attachment.bridge.gateway : attachment.bridge.gateway6, port: 0 } : client;
    const fd = connectFrom({ protocol, from, to: { address: pod, port: port.containerPort } });
    const adopted = { fd, data, socket, allowHalfOpen: protocol === "tcp" };
    return await Bun.connect<T>(adopted as unknown as Bun.TCPSocketConnectOptions<T>); // Bun takes a descriptor instead of a place; its types do not say so
  };
}

/** Addresses that answers would not come back from. */
function nearerThan({ bridge }: Attachment): BlockList {
  const list = new BlockList();
  for (const subnet of ["127.0.0.0/8", OUTSIDE.subnet, bridge.subnet]) list.addSubnet(...subnetOf(subnet), "ipv4");
  for (const subnet of ["::1/128", "fe80::/10", bridge.subnet6]) list.addSubnet(...subnetOf(subnet), "ipv6");
  return list;
}

function subnetOf(subnet: string): [string, number] {
  const [address = "", bits] = subnet.split("/");
  return [address, Number(bits)];
}

/** A thrown error of a socket in words that say what can be done. */
function refusal(thrown: unknown, { attachment, port: { hostPort, protocol }, hostname }: Place): unknown {
  const [port, pod, code] = [`${hostPort}/${protocol}`, attachment.podName, errnoOf(thrown)];
  if (code === "EADDRINUSE") {
    const holder = whoListens(hostPort, protocol);
    const by = holder === undefined ? "" : ` by ${holder}`;
    return new WherryError("conflict", `Cannot publish port "${port}" of pod "${pod}": on ${hostname} it is in use${by}, it must be free`, { code: "EPORTINUSE", cause: thrown });
  }
  if (code === "EACCES" || code === "EPERM") {
    const message = `Cannot publish port "${port}" of pod "${pod}": ports below ${firstFreePort()} are not for ordinary users, it must be a higher one, or the host must let them`;
    return new WherryError("unavailable", message, { code: "ELOWPORT", cause: thrown, hint: freePortCommand(hostPort) });
  }
  if (code !== "EADDRNOTAVAIL") return thrown;
  return new WherryError("conflict", `Cannot publish port "${port}" of pod "${pod}": ${hostname} is no address of this host, it must be one`, { cause: thrown });
}
