/**
 * What makes a user's network namespace and connects it with the outside world: shell text and argv, as values.
 *
 * Bridges of an ordinary user's wherry are in a network namespace of the user, which has the world through a *helper*: a
 * process in the host's network namespace that gives it an interface and makes its connections in the user's name.
 * Everything of it lies in one directory: `netns` pins the namespace, `outside` names the helper by pid and start time,
 * `outside.log` has what it said.
 */

/** Addresses of the interface, of nobody else's network (RFC 3927), and not the host's own: that would lead back inside. */
export const OUTSIDE = { interface: "outside0", subnet: "169.254.89.0/24", own: "169.254.89.100", gateway: "169.254.89.2", nameServer: "169.254.89.3" } as const;

/** The user's network namespace. */
export const netnsIn = (directory: string): string => `${directory}/netns`;
/** Pid and start time of the helper. */
export const helperIn = (directory: string): string => `${directory}/outside`;
export const helperLogIn = (directory: string): string => `${directory}/outside.log`;

export type HelperName = "pasta" | "slirp4netns";
/** In the order of preference. */
export const HELPERS: readonly HelperName[] = ["pasta", "slirp4netns"];

/** The MTU of the loopback interface, nearly: the helpers copy, they do not send. */
const MTU = "65520";

/**
 * The helper's argv. It stays in the foreground, and writes to its standard output when everything is ready. Neither
 * lets pods reach what listens on the host's loopback interface.
 */
export function helperArgv(name: HelperName, netns: string): readonly string[] {
  if (name === "slirp4netns") {
    return ["slirp4netns", "--configure", `--mtu=${MTU}`, `--cidr=${OUTSIDE.subnet}`, "--disable-host-loopback", "--ready-fd=1", "--netns-type=path", netns, OUTSIDE.interface];
  }
  const addresses = ["--address", OUTSIDE.own, "--netmask", "24", "--gateway", OUTSIDE.gateway, "--dns-forward", OUTSIDE.nameServer, "--no-map-gw"];
  const ports = ["--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none"];
  return ["pasta", "--foreground", "--quiet", "--config-net", "--mtu", MTU, "--ns-ifname", OUTSIDE.interface, ...addresses, ...ports, "--pid", "/dev/stdout", "--netns", netns];
}

/** Records itself in the directory `$1` before it makes anything, and becomes the helper that the other words are. */
const BECOME = 'echo "$$ $(cut -d " " -f 22 "/proc/$$/stat")" >"$1/outside"; exec 2>"$1/outside.log" </dev/null; shift; exec "$@"';

/** Mark and routing table of what comes back to the sockets of `publish`, whose addresses are the clients'. */
const MARK = "0x77000000", TABLE = 89;

/** A transaction of nftables: marks what comes back to the sockets of `publish`; pods go out with the helper's address. */
const RULES = [
  "add table inet wherry",
  "add chain inet wherry published { type filter hook prerouting priority mangle; }",
  `add rule inet wherry published meta l4proto { tcp, udp } socket transparent 1 meta mark set ${MARK}`,
  "add chain inet wherry outgoing { type nat hook postrouting priority srcnat; }",
  `add rule inet wherry outgoing oifname ${OUTSIDE.interface} masquerade`,
].join("; ");

/**
 * The loopback interface is up, pods are forwarded, answers to clients' addresses find the sockets that have them, and
 * nothing asks where packets come from: those of clients do not come by the way of the answers.
 */
const PREPARE = [
  'ip link set lo up; for each in all default; do echo 0 >"/proc/sys/net/ipv4/conf/$each/rp_filter"; done',
  "cd /proc/sys/net; echo 1 >ipv4/ip_forward; if [ -e ipv6/conf ]; then echo 1 >ipv6/conf/all/forwarding; fi",
  ...["-4", "-6"].map((family) => `ip ${family} rule add fwmark ${MARK} lookup ${TABLE} 2>/dev/null && ip ${family} route add local default dev lo table ${TABLE} || [ ${family} = -6 ]`),
  `nft "${RULES}"`,
].join("; ");

/** Shell text that starts the helper in the directory `$1`, and succeeds when that is ready. */
export const startOf = (name: HelperName): string =>
  `{ setsid sh -euc '${BECOME}' helper "$1" ${helperArgv(name, '"$1/netns"').join(" ")} & } | { read -r ready || [ -n "$ready" ]; }`;

/**
 * Shell text that makes the user's network namespace and its helper, in the directory `$1`: for `sh -eu`, as root of the
 * user namespace that is to own it, in the mount namespace that is to pin it and in the host's network namespace. A
 * helper of a namespace that has gone is ended. Without a network on the host there may be no helper: `ensureOutside`
 * tries again.
 */
export const OUTSIDE_SETUP = [
  'if read -r pid start 2>/dev/null <"$1/outside" && [ "$(cut -d " " -f 22 "/proc/$pid/stat" 2>/dev/null)" = "$start" ]; then kill "$pid"; fi',
  ': >"$1/netns"',
  `unshare --net="$1/netns" -- sh -euc '${PREPARE}'`,
  `if command -v pasta >/dev/null; then ${startOf("pasta")} || :`,
  `elif command -v slirp4netns >/dev/null; then ${startOf("slirp4netns")} || :; fi`,
].join("\n");
