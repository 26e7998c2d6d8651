/** Root filesystems of containers: overlayfs over the layers of an image (kernel `overlayfs.rst`). */
import { chmodSync, chownSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fail, unless } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_NODEV, unmount } from "../base/libc.ts";

export interface Rootfs {
  /** Directories of the layers, lowest first, from `layerDirectory`. */
  readonly layers: readonly string[];
  /** What the container writes; on a disk, never on an overlay. Made when missing. */
  readonly upper: string;
  /** Scratch of the kernel on the same filesystem as `upper`. Made when missing. */
  readonly work: string;
  /** Where the container's root appears. Made when missing. */
  readonly target: string;
}

/** mount(2) takes one page of options, the terminating zero included. */
const PAGE = 4096;

/**
 * Mounts a root filesystem. One that is mounted already stays as it is. Kind `unsupported` when the image has more
 * layers than mount options can name, `failed` with the kernel's errno.
 */
export function mountRootfs(rootfs: Rootfs): void {
  ensureDirectory(rootfs.target);
  if (isMounted(rootfs.target)) return;
  const options = overlayOptions(rootfs);
  if (Buffer.byteLength(options) >= PAGE) {
    fail("unsupported", `Cannot mount "${rootfs.target}": the names of its ${rootfs.layers.length} layers take ${Buffer.byteLength(options)} bytes, at most ${PAGE - 1} fit`, {
      hint: "keep the state in a directory with a shorter name",
    });
  }
  ensureDirectory(rootfs.upper);
  takeOver(rootfs);
  rmSync(rootfs.work, { recursive: true, force: true }); // a mark in it refuses a second volatile mount
  ensureDirectory(rootfs.work);
  mount("overlay", rootfs.target, "overlay", MS_NODEV, options);
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
  ].join(",");
}

const escape = (path: string): string => path.replaceAll("\\", "\\\\").replaceAll(",", "\\,");

/** The merged root shows owner and mode of `upper`: they are to be those of the image's root. */
function takeOver(rootfs: Rootfs): void {
  const top = rootfs.layers.at(-1);
  const { mode, uid, gid } = top === undefined ? { mode: 0o755, uid: 0, gid: 0 } : statSync(top);
  chmodSync(rootfs.upper, mode & 0o7777);
  chownSync(rootfs.upper, uid, gid);
}

function isMounted(target: string): boolean {
  const found = unless("ENOENT", () => statSync(target), undefined);
  return found !== undefined && found.dev !== statSync(dirname(target)).dev;
}
