/** What netavark is told and what it answers (its `NetworkOptions` and `StatusBlock`, versions 1.4 to 2): pure. */
import { fail } from "../base/errors.ts";
import type { Attachment, Bridge, PortMapping } from "./network.ts";

/** The pod's interface in its own namespace. */
export const POD_INTERFACE = "eth0";

export type Families = "IPv4" | "IPv6" | "both";

export interface RequestOptions {
  /** Only the interfaces: netavark leaves the firewall alone. Good for teardown only. */
  readonly linkOnly?: boolean;
  /** Name the ports even when there are none: netavark then makes, and with the last pod removes, the network's port chain. */
  readonly portChain?: boolean;
  /** IPv4 alone when absent. */
  readonly families?: Families;
}

/** The JSON text for `netavark setup` and `netavark teardown`. */
export function netavarkRequest(attachment: Attachment, options: RequestOptions = {}): string {
  const { bridge, ip, ports } = attachment;
  const ips = chosen(options, ip, attachment.ip6 ?? placeIn(bridge));
  const named = ports.length > 0 || options.portChain === true;
  return JSON.stringify({
    container_id: containerIdOf(attachment),
    container_name: attachment.podName,
    networks: { [bridge.name]: { interface_name: POD_INTERFACE, static_ips: ips, static_mac: macOf(ip) } },
    network_info: { [bridge.name]: networkOf(bridge, options) },
    port_mappings: named ? ports.map(portOf) : null,
  });
}

/** Of the two, those of the families asked for. */
const chosen = <T>({ families = "IPv4" }: RequestOptions, first: T, second: T): readonly T[] => [...(families === "IPv6" ? [] : [first]), ...(families === "IPv4" ? [] : [second])];

/** Of a pod without IPv6 with which a bridge with IPv6 is closed. */
const placeIn = ({ subnet6 }: Bridge): string => `${subnet6.replace(/\/\d+$/, "")}ffff:ffff`;

function networkOf(bridge: Bridge, options: RequestOptions) {
  return {
    name: bridge.name,
    id: networkIdOf(bridge),
    driver: "bridge",
    network_interface: bridge.interface,
    subnets: chosen(options, { subnet: bridge.subnet, gateway: bridge.gateway }, { subnet: bridge.subnet6, gateway: bridge.gateway6 }),
    internal: options.linkOnly === true,
    ipv6_enabled: (options.families ?? "IPv4") !== "IPv4",
    dns_enabled: false,
  };
}

/** netavark 1.4 compares a host address literally, so "all addresses" must be the empty one. */
function portOf(port: PortMapping) {
  const anywhere = port.hostIP === "0.0.0.0" || port.hostIP === "::";
  return {
    host_ip: anywhere ? "" : port.hostIP,
    host_port: port.hostPort,
    container_port: port.containerPort,
    protocol: port.protocol,
    range: 1,
  };
}

export const containerIdOf = (attachment: Attachment): string => attachment.uid.replaceAll("-", "");

/** As Podman makes it: netavark names nftables chains after its beginning. */
export const networkIdOf = (bridge: Bridge): string => new Bun.CryptoHasher("sha256").update(bridge.name).digest("hex");

/** netavark names iptables chains after it: the beginning of the SHA-512 of the network's name. */
export const networkHashOf = (bridge: Bridge): string => new Bun.CryptoHasher("sha512").update(bridge.name).digest("hex").slice(0, 13).toUpperCase();

/**
 * The hardware address of an IPv4 address of ours: locally administered, the same whenever the address is given
 * again, so that no neighbour holds a stale entry for the address of a pod that was replaced.
 */
export function macOf(ip: string): string {
  const bytes = ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return ["0a", "77", ...bytes].join(":");
}

/** The pod's hardware address in the answer to `setup`. Kind `failed` when it is not an answer. */
export function macIn(answer: string, bridge: Bridge): string {
  const mac = at(parsed(answer), bridge.name, "interfaces", POD_INTERFACE, "mac_address");
  return typeof mac === "string" ? mac : fail("failed", `Cannot read the answer of netavark: it names no "mac_address" of "${POD_INTERFACE}"`, { context: { answer } });
}

/** netavark's own sentence: `{"error": "…"}` on its standard output. */
export function sentenceIn(output: string): string {
  const error = at(parsed(output), "error");
  return typeof error === "string" ? error.replace(/^netavark: /, "") : output.trim();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function at(value: unknown, ...path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  return typeof value === "object" && value !== null && key in value ? at(Reflect.get(value, key), ...rest) : undefined;
}
