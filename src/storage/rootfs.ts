/** Root filesystems of containers: overlayfs over the layers of an image (kernel `overlayfs.rst`). */
import { chmodSync, chownSync, closeSync, constants, openSync, rmSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fail, unless } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_NODEV, unmount } from "../base/libc.ts";
import { type FuseOverlay, mountEither, unmountDead } from "./fuseOverlay.ts";
import { openLayers, type OverlayUsers } from "./idmapped.ts";
import { commonDirectory } from "./layout.ts";
import { O_PATH, workingIn } from "./syscalls.ts";
import { inUserNamespace } from "./userNamespace.ts";

export interface Rootfs {
  /** Directories of the layers, lowest first, from `layerDirectory`. */
  readonly layers: readonly string[];
  /** What the container writes; on a disk, never on an overlay. Made when missing. */
  readonly upper: string;
  /** Scratch of the kernel on the same filesystem as `upper`. Made when missing. */
  readonly work: string;
  /** Where the container's root appears. Made when missing. */
  readonly target: string;
  /** Its ids are those of a user namespace, in which 0 is `first` of the host. */
  readonly users?: OverlayUsers & { readonly first: number };
  /** What stands in where the kernel refuses. */
  readonly fuse?: FuseOverlay;
}

/** mount(2) takes one page of options, the terminating zero included. */
const PAGE = 4096;
/** The kernel stacks no more (`OVL_MAX_STACK`). */
const DEEPEST = 500;

/**
 * Mounts a root filesystem. One that is mounted already stays as it is, unless its process has ended. Kind `unsupported` when the image has more
 * layers than the kernel takes, or than mount options can name; `failed` with the kernel's errno.
 */
export function mountRootfs(rootfs: Rootfs): void {
  if (rootfs.fuse !== undefined) unmountDead(rootfs.target);
  ensureDirectory(rootfs.target);
  if (isMounted(rootfs.target)) return;
  const { layers, target, users } = rootfs;
  if (layers.length > DEEPEST) fail("unsupported", `Cannot mount "${target}": its image has ${layers.length} layers, at most ${DEEPEST} can be mounted`);
  ensureDirectory(rootfs.upper);
  takeOver(rootfs);
  rmSync(rootfs.work, { recursive: true, force: true }); // a mark in it refuses a second volatile mount
  ensureDirectory(rootfs.work);
  const resolved = { ...rootfs, target: resolve(target), upper: resolve(rootfs.upper), work: resolve(rootfs.work) };
  if (users === undefined) return mountEither({ ...resolved, writable: resolved }, { natively: () => mountOverlay(resolved), fuse: rootfs.fuse });
  using mapped = openLayers(layers, users);
  mountOverlay({ ...resolved, layers: mapped.layers });
}

/** Names are made as short as can be: those of the layers relative to their directory, the others by descriptors where need be. */
function mountOverlay(rootfs: Rootfs): void {
  const directory = commonDirectory(rootfs.layers);
  const named = directory === undefined ? rootfs : { ...rootfs, layers: rootfs.layers.map((layer) => basename(layer)) };
  const act = (): void => {
    const options = overlayOptions(named);
    if (Buffer.byteLength(options) < PAGE) mount("overlay", named.target, "overlay", MS_NODEV, options);
    else mountByDescriptors(named);
  };
  if (directory === undefined) act();
  else workingIn(directory, act);
}

function mountByDescriptors(rootfs: Rootfs): void {
  const [upper, work] = [rootfs.upper, rootfs.work].map((path) => openSync(path, O_PATH | constants.O_DIRECTORY));
  try {
    const options = overlayOptions({ ...rootfs, upper: `/proc/self/fd/${upper}`, work: `/proc/self/fd/${work}` });
    if (Buffer.byteLength(options) >= PAGE) {
      fail("unsupported", `Cannot mount "${rootfs.target}": the names of its ${rootfs.layers.length} layers take ${Buffer.byteLength(options)} bytes, at most ${PAGE - 1} fit`);
    }
    mount("overlay", rootfs.target, "overlay", MS_NODEV, options);
  } finally {
    for (const fd of [upper, work]) if (fd !== undefined) closeSync(fd);
  }
}

/** Unmounts a root filesystem, also when it was mounted more than once. Not mounted, or not there, is success. */
export function unmountRootfs(target: string): void {
  while (unmount(target));
}

/**
 * `volatile`: what a container writes beside its volumes never outlives it, so nothing waits for the disk because of
 * it, neither fsync(2) in the container nor unmounting. Layers come from strangers: `nofollow` and `metacopy=off` keep
 * overlay attributes in them from meaning anything.
 */
export function overlayOptions(rootfs: Rootfs): string {
  // Without layers the mount point, empty as it is, stands in: overlayfs wants at least one
  const lower = rootfs.layers.length === 0 ? [rootfs.target] : rootfs.layers.toReversed();
  return [
    `lowerdir=${lower.map((path) => escape(path).replaceAll(":", "\\:")).join(":")}`,
    `upperdir=${escape(rootfs.upper)}`,
    `workdir=${escape(rootfs.work)}`,
    "volatile,index=off,metacopy=off,redirect_dir=nofollow",
    ...(inUserNamespace() ? ["userxattr"] : []),
  ].join(",");
}

const escape = (path: string): string => path.replaceAll("\\", "\\\\").replaceAll(",", "\\,");

/** The merged root shows owner and mode of `upper`: they are to be those of the image's root. */
function takeOver(rootfs: Rootfs): void {
  const top = rootfs.layers.at(-1);
  const { mode, uid, gid } = top === undefined ? { mode: 0o755, uid: 0, gid: 0 } : statSync(top);
  chmodSync(rootfs.upper, mode & 0o7777);
  const first = rootfs.users?.first ?? 0; // the upper directory is not mapped: what it holds has the ids of the host
  chownSync(rootfs.upper, first + uid, first + gid);
}

function isMounted(target: string): boolean {
  const found = unless("ENOENT", () => statSync(target), undefined);
  return found !== undefined && found.dev !== statSync(dirname(target)).dev;
}
