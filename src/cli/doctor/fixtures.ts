/** Values that the tests of this folder share. */
import type { Facts, Place } from "./facts.ts";

/** A directory that is as it should be, changed. */
export const place = (path: string, more: Partial<Place> = {}): Place => ({ path, existing: path, type: "ext4", options: ["rw"], free: 10 * 2 ** 30, freeInodes: 1e6, writable: true, mode: 0o700, uid: 1000, ...more });
export const program = (path: string): Facts["programs"][string] => ({ path, setuid: path.endsWith("idmap"), capabilities: false });
const NAMES = ["crun", "conmon", "netavark", "iptables", "nft", "ip", "pasta", "skopeo", "bsdtar", "nsenter", "setpriv", "unshare", "setsid", "systemd-creds", "catatonit", "newuidmap", "newgidmap"];

/** A host on which alice lacks nothing. */
export const ALICE: Facts = {
  user: { uid: 1000, gid: 1000, name: "alice" },
  programs: Object.fromEntries(NAMES.map((name) => [name, program(`/usr/bin/${name}`)])),
  sysctls: { "user.max_user_namespaces": "60000", "net.ipv4.ip_unprivileged_port_start": "1024", "net.ipv4.ip_forward": "0" },
  kernel: "6.1.0-13-amd64",
  filesystems: ["ext4", "overlay"],
  tunDevice: true,
  fuseDevice: true,
  noNewPrivileges: false,
  cgroups: { version: "v2", hybrid: false, available: ["cpu", "io", "memory", "pids"], delegated: ["cpu", "memory", "pids"] },
  subordinate: { uid: "alice:100000:65536\n", gid: "alice:100000:65536\n" },
  systemd: true, userManager: true, lingering: true, stopTimeout: 900,
  durable: place("/home/alice/.local/share/wherry"),
  runtime: place("/run/user/1000/wherry", { type: "tmpfs" }),
  policy: "/etc/containers/policy.json",
  seccompProfile: "/usr/share/containers/seccomp.json",
  openFiles: 524_288,
};
/** The same host for root. */
export const ROOT: Facts = { ...ALICE, user: { uid: 0, gid: 0, name: "root" }, durable: place("/var/lib/wherry", { uid: 0 }), runtime: place("/run/wherry", { type: "tmpfs", uid: 0 }) };
