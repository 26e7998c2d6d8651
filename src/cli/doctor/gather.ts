/** Facts, read from files. Nothing is made, tried or entered, so this works where nothing else does. */
import { accessSync, constants, existsSync, openSync, closeSync, readFileSync, realpathSync, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";
import { CLEAN_ENV } from "../../base/exec.ts";
import { readIfExists } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { SUBORDINATE } from "../../rootless/ids.ts";
import { ownerOf } from "../../rootless/owner.ts";
import type { Owner } from "../../rootless/rootless.ts";
import { NETAVARK_PLACES } from "../../network/netavark.ts";
import { cgroupHost, words } from "../../runtime/cgroup.ts";
import { attributesOf } from "../../storage/syscalls.ts";
import { isSystemdRunning } from "../../systemd/host.ts";
import { isLingering } from "../../systemd/linger.ts";
import { isManaged } from "../../systemd/scope.ts";
import { managerStopTimeout } from "../../systemd/stopTimeout.ts";
import type { CgroupFacts, Facts, Place, Program } from "./facts.ts";
import { mountOf } from "./mountTable.ts";

/** The facts of this host for the user of this process. `home`: where the user's own policy.json is looked for. */
export function gatherFacts(paths: Paths, { uid, home }: { readonly uid: number; readonly home: string }): Facts {
  const host = gatherHost(uid);
  const { user } = host;
  const status = readIfExists("/proc/self/status") ?? "";
  return {
    ...host,
    programs: programs(),
    filesystems: filesystems(),
    tunDevice: opens("/dev/net/tun"),
    fuseDevice: opens("/dev/fuse"),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    systemd: isSystemdRunning(),
    userManager: isManaged({ uid }),
    lingering: isLingering(user.name),
    durable: placeOf(paths.durable),
    runtime: placeOf(paths.runtime),
    policy: [`${home}/.config/containers/policy.json`, "/etc/containers/policy.json"].find(existsSync),
    seccompProfile: ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"].find(existsSync),
    openFiles: openFiles(),
  };
}

/** The few of them that manifests are checked against. */
export function gatherHost(uid: number): Pick<Facts, "user" | "cgroups" | "sysctls" | "kernel" | "subordinate"> {
  const user = ownerOf(uid);
  return { user, cgroups: cgroups(user), sysctls: sysctls(), kernel: release(), subordinate: { uid: readOr(SUBORDINATE.uid), gid: readOr(SUBORDINATE.gid) } };
}

/** The one fact that is in no file: systemd is asked. Root's services are not in a user's manager. */
export async function gatherStopTimeout(uid: number): Promise<Pick<Facts, "stopTimeout">> {
  const stopTimeout = uid === 0 ? undefined : await managerStopTimeout(uid);
  return stopTimeout === undefined ? {} : { stopTimeout };
}

const PROGRAMS = [
  "crun", "runc", "conmon", "netavark", "iptables", "nft", "ip", "pasta", "slirp4netns", "skopeo", "bsdtar", "nsenter", "setpriv", "unshare", "setsid", "systemd-creds",
  "catatonit", "fuse-overlayfs", "newuidmap", "newgidmap",
];

function programs(): Facts["programs"] {
  return Object.fromEntries(PROGRAMS.flatMap((name) => {
    const path = Bun.which(name, { PATH: CLEAN_ENV["PATH"] ?? "" }) ?? (name === "netavark" ? NETAVARK_PLACES.find(existsSync) : undefined);
    return path === undefined ? [] : [[name, programAt(path)] as const];
  }));
}

function programAt(path: string): Program {
  const real = realpathSync(path);
  const { mode, uid } = statSync(real);
  const rights = !(mountOf(mountinfo(), real)?.options.includes("nosuid") ?? false);
  return { path, setuid: rights && uid === 0 && (mode & constants.S_IFMT) === constants.S_IFREG && (mode & 0o4000) !== 0, capabilities: rights && attributesOf(Buffer.from(real)).some(([name]) => name === "security.capability") };
}

const SYSCTLS = ["user.max_user_namespaces", "kernel.unprivileged_userns_clone", "kernel.apparmor_restrict_unprivileged_userns", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_forward"];

function sysctls(): Facts["sysctls"] {
  return Object.fromEntries(SYSCTLS.flatMap((name) => {
    const value = readIfExists(`/proc/sys/${name.replaceAll(".", "/")}`)?.trim();
    return value === undefined ? [] : [[name, value] as const];
  }));
}

/** `nodev overlay` on a line; a module is loaded at the first mount. */
function filesystems(): readonly string[] {
  const loaded = readOr("/proc/filesystems").split("\n").map((line) => line.split("\t")[1] ?? "");
  const modules = readOr(`/lib/modules/${release()}/modules.dep`).matchAll(/^kernel\/fs\/(?:\S+\/)?([\w-]+)\.ko/gm);
  return [...new Set([...loaded, ...[...modules].map(([, name = ""]) => name)])].filter((name) => name !== "");
}

/** Which controllers this user's services could have. The manager is asked by what it was handed, not by what it uses. */
function cgroups({ uid }: Owner): CgroupFacts {
  const { version, hybrid, controllers } = cgroupHost();
  if (uid === 0 || version === "v1") return { version, hybrid, available: controllers, delegated: controllers };
  const handed = words(readOr(`/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers`));
  return { version, hybrid, available: controllers, delegated: handed };
}

/** The place of a directory that may not exist yet. */
export function placeOf(path: string): Place {
  let existing = path;
  while (!existsSync(existing) && existing !== "/") existing = dirname(existing);
  const { mode, uid } = statSync(existing);
  const { bavail, bsize, ffree, files } = statfsSync(existing);
  const mounted = mountOf(mountinfo(), realpathSync(existing));
  return { path, existing, type: mounted?.type ?? "", options: mounted?.options ?? [], free: bavail * bsize, freeInodes: files === 0 ? Infinity : ffree, writable: allows(existing), mode: mode & 0o7777, uid };
}

const mountinfo = (): string => readFileSync("/proc/self/mountinfo", "utf8");
const readOr = (path: string): string => readIfExists(path) ?? "";

function allows(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Opening the device node makes nothing; an interface is made by an ioctl, a filesystem by mount(2). */
function opens(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

function openFiles(): number {
  const hard = /^Max open files +\S+ +(\S+)/m.exec(readOr("/proc/self/limits"))?.[1];
  return hard === undefined || hard === "unlimited" ? Infinity : Number(hard);
}
