/** The directories that wherry keeps things in, and the files it reads. Pure. */
import { humanSize } from "../size.ts";
import { elsewhere } from "./elsewhere.ts";
import { asRoot, type Facts, type Finding, isRoot, missing, ok, type Place, warning } from "./facts.ts";
import { linger } from "./users.ts";

/** One finding for each place. */
export function placeFindings(facts: Facts): readonly Finding[] {
  return [runtimeDirectory(facts), store(facts), room("room of the store", facts.durable, { least: 2 ** 30, mend: "wherry image prune --all" }), room("room at run time", facts.runtime, { least: 16 * 2 ** 20, mend: asRoot(facts, `mount -o remount,size=25% ${mountOf(facts)}`) }), policy(facts), seccomp(facts)];
}

const mountOf = (facts: Facts): string => (isRoot(facts) ? "/run" : `/run/user/${facts.user.uid}`);

/** It must be as empty after a boot as the kernel is. */
export function runtimeDirectory(facts: Facts): Finding {
  const about = "runtime directory";
  const { path, existing, type, uid, writable } = facts.runtime;
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  if (!isRoot(facts) && !existing.startsWith(parent)) return parent === mountOf(facts) ? missing(about, `${parent} does not exist; a login or lingering makes it`, linger(facts)) : missing(about, `${parent} does not exist`, `mkdir -p -m 0700 ${parent}`);
  if (!writable || uid !== facts.user.uid) return missing(about, `${existing} is not user "${facts.user.name}"'s own, it should be`, isRoot(facts) ? `chown root: ${existing}` : "export XDG_RUNTIME_DIR=/run/user/$(id -u)");
  if (type !== "tmpfs" && type !== "ramfs") return warning(about, `${path} is on ${type}, which a boot does not empty; it should be on tmpfs`, isRoot(facts) ? `mkdir -p ${path} && mount -t tmpfs -o mode=0700 tmpfs ${path}` : "export XDG_RUNTIME_DIR=/run/user/$(id -u)");
  return ok(about, `${path}, on ${type}`);
}

/** Filesystems that other machines write too: overlayfs takes none of them as its upper layer, and locks may not hold. */
const isShared = (type: string): boolean => /^(nfs\d?|cifs|smb\d?|afs|ceph|lustre|gpfs|glusterfs|9p|fuse\.sshfs|fuse\.glusterfs|ocfs2|gfs2)$/.test(type);
/** Without owners, or without extended attributes. */
const isPlain = (type: string): boolean => /^(vfat|exfat|msdos|ntfs3?|fuseblk|iso9660|squashfs|erofs|ramfs)$/.test(type);

/** Where images, volumes and writable layers are. */
export function store(facts: Facts): Finding {
  const about = "store";
  const { path, existing, type, options, writable } = facts.durable;
  if (isShared(type)) return missing(about, `${path} is on ${type}, which other machines share; it should be on a disk of this one`, ...elsewhere(facts));
  if (isPlain(type)) return missing(about, `${path} is on ${type}, which keeps no owners and attributes of files; ext4, xfs and btrfs do`, ...elsewhere(facts));
  if (type === "overlay" && isRoot(facts)) return missing(about, `${path} is on overlay, which takes no other one upon itself; ext4, xfs and btrfs do`, ...elsewhere(facts));
  if (options.includes("ro") || !writable) return missing(about, `${existing} cannot be written by user "${facts.user.name}"`, ...elsewhere(facts));
  if (options.includes("noexec")) return warning(about, `${path} is mounted noexec: images run, programs in volumes and emptyDirs do not`, ...elsewhere(facts));
  const nodev = options.includes("nodev") && isRoot(facts) ? ", nodev: block devices of volumes cannot be opened there" : "";
  return ok(about, `${path}, on ${type}${nodev}`);
}

function room(about: string, { existing, free, freeInodes }: Place, { least, mend }: { readonly least: number; readonly mend: string }): Finding {
  if (free < least) return warning(about, `${humanSize(free)} are free on the filesystem of ${existing}, ${humanSize(least)} should be`, mend);
  if (freeInodes < 1000) return warning(about, `${freeInodes} files may still be made on the filesystem of ${existing}`, mend);
  return ok(about, `${humanSize(free)} free`);
}

function policy(facts: Facts): Finding {
  if (facts.policy !== undefined) return ok("signature policy", facts.policy);
  return missing("signature policy", "there is no policy.json, without which skopeo takes no image", asRoot(facts, "apt-get install golang-github-containers-common"));
}

function seccomp(facts: Facts): Finding {
  if (facts.seccompProfile !== undefined) return ok("seccomp profile", facts.seccompProfile);
  return warning("seccomp profile", "there is none: containers of type RuntimeDefault run without a filter", asRoot(facts, "apt-get install golang-github-containers-common"));
}
