/** What the kernel can do, and lets this user do. Pure. */
import { elsewhere } from "./elsewhere.ts";
import { asRoot, type Facts, type Finding, isRoot, missing, ok, sysctlCommand, warning } from "./facts.ts";

/** One finding for each ability. */
export function kernelFindings(facts: Facts): readonly Finding[] {
  return [...(isRoot(facts) ? [] : [userNamespaces(facts)]), overlay(facts), ...(isRoot(facts) ? [idmappedMounts(facts), forwarding(facts)] : [tunDevice(facts), hostPorts(facts)]), openFiles(facts)];
}

/** Namespaces that a user of many services may come to: one for each wherry, and what others make. */
const ENOUGH_NAMESPACES = 15_000;

/** user_namespaces(7); the second switch is Debian's, the third one AppArmor's on Ubuntu. */
export function userNamespaces(facts: Facts): Finding {
  const about = "user namespaces";
  const { "user.max_user_namespaces": max, "kernel.unprivileged_userns_clone": clone, "kernel.apparmor_restrict_unprivileged_userns": restricted } = facts.sysctls;
  if (max === undefined) return missing(about, "this kernel has none: it was built without CONFIG_USER_NS, another kernel must be booted", asRoot(facts, "apt-get install linux-image-amd64"));
  if (Number(max) === 0) return missing(about, "switched off: user.max_user_namespaces is 0", sysctlCommand(facts, "user.max_user_namespaces", String(ENOUGH_NAMESPACES)));
  if (clone === "0") return missing(about, "switched off for ordinary users: kernel.unprivileged_userns_clone is 0", sysctlCommand(facts, "kernel.unprivileged_userns_clone", "1"));
  if (restricted === "1") return missing(about, "AppArmor lets ordinary users do nothing in them: kernel.apparmor_restrict_unprivileged_userns is 1", sysctlCommand(facts, "kernel.apparmor_restrict_unprivileged_userns", "0"));
  return ok(about, `allowed, at most ${max}`);
}

/** Root filesystems: by the kernel, or by fuse-overlayfs(1) for a user whom the kernel refuses. */
export function overlay(facts: Facts): Finding {
  const about = "overlay filesystem";
  if (isRoot(facts)) return facts.filesystems.includes("overlay") ? ok(about, "in the kernel") : missing(about, "the kernel has none, and no module for it", asRoot(facts, "modprobe overlay"));
  const refusal = refusalOf(facts);
  if (refusal === undefined) return ok(about, `with userxattr (Linux ${facts.kernel})`);
  if (facts.programs["fuse-overlayfs"] === undefined) return missing(about, `${refusal.why}; fuse-overlayfs, which can stand in, is not installed`, asRoot(facts, "apt-get install fuse-overlayfs"));
  if (!facts.fuseDevice) return missing(about, `${refusal.why}; fuse-overlayfs could stand in, but /dev/fuse is not there or not for this user`, asRoot(facts, "modprobe fuse"), asRoot(facts, "chmod 0666 /dev/fuse"));
  return warning(about, `by fuse-overlayfs, as ${refusal.why}: files take longer`, ...refusal.mend);
}

/** Why the kernel mounts none for this user, and what would change it. `userxattr` came with Linux 5.11 (kernel overlayfs.rst). */
function refusalOf(facts: Facts): { readonly why: string; readonly mend: readonly string[] } | undefined {
  if (!facts.filesystems.includes("overlay")) return { why: "the kernel has no overlay, and no module for it", mend: [asRoot(facts, "modprobe overlay")] };
  if (!atLeast(facts.kernel, [5, 11])) return { why: `Linux ${facts.kernel} lets only root mount overlays, since 5.11 users can`, mend: [asRoot(facts, "apt-get install linux-image-amd64")] };
  if (facts.durable.type === "overlay") return { why: `${facts.durable.path} is on overlay, which takes no other one upon itself`, mend: elsewhere(facts) };
  return undefined;
}

/** mount_setattr(2). Nothing that runs today needs them. */
const idmappedMounts = ({ kernel }: Facts): Finding => ok("idmapped mounts", atLeast(kernel, [5, 12]) ? `Linux ${kernel} has them` : `Linux ${kernel} has none, and nothing needs them yet`);

function forwarding({ sysctls }: Facts): Finding {
  return ok("net.ipv4.ip_forward", sysctls["net.ipv4.ip_forward"] === "1" ? "on" : "off; the first pod with a network of its own switches it on");
}

function tunDevice(facts: Facts): Finding {
  return facts.tunDevice ? ok("/dev/net/tun", "there") : warning("/dev/net/tun", "not there or not for this user: pods with a network of their own do not reach the outside", asRoot(facts, "modprobe tun"), asRoot(facts, "chmod 0666 /dev/net/tun"));
}

/** The first host port that an ordinary user may have (ip(7)). */
export const firstHostPort = ({ sysctls }: Pick<Facts, "sysctls">): number => Number(sysctls["net.ipv4.ip_unprivileged_port_start"] ?? 1024);

function hostPorts(facts: Facts): Finding {
  const first = firstHostPort(facts);
  return ok("host ports", first === 0 ? "all" : `from ${first} on; net.ipv4.ip_unprivileged_port_start=80 would allow more (sysctl.d(5))`);
}

/** What databases and web servers ask for. */
const ENOUGH_FILES = 65_536;

function openFiles(facts: Facts): Finding {
  const about = "open files";
  if (facts.openFiles >= ENOUGH_FILES) return ok(about, `at most ${facts.openFiles}`);
  const text = `a process may have ${facts.openFiles} at most, which limits containers too; ${ENOUGH_FILES} is usual`;
  if (isRoot(facts)) return warning(about, text, `ulimit -Hn ${ENOUGH_FILES}`);
  return warning(about, text, "sudo mkdir -p /etc/systemd/system/user@.service.d", "printf '[Service]\\nLimitNOFILE=1048576\\n' | sudo tee /etc/systemd/system/user@.service.d/open-files.conf", `sudo systemctl daemon-reload && sudo systemctl restart user@${facts.user.uid}.service`);
}

/** Whether a kernel release is of that version or newer. */
export function atLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, first = 0, second = 0] = (/^(\d+)\.(\d+)/.exec(release) ?? []).map(Number);
  return first > major || (first === major && second >= minor);
}
