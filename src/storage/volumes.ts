/**
 * The directories behind a pod's volumes. Everything here may be repeated after a crash at any point. Binds of volumes
 * into containers are made by the OCI runtime, in the container's own namespace; the one exception is `openSubPath`.
 */
import { chmodSync, renameSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fail, unless, WherryError } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_NODEV, MS_NOSUID, unmount } from "../base/libc.ts";
import { type GroupOption, writeVolumeFiles } from "./atomicVolume.ts";
import { LONG } from "./layout.ts";
import { mountsBelow } from "./mounts.ts";
import type { VolumeFile } from "./volumeFiles.ts";

/** emptyDir on disk: anybody in the pod may write to it. */
export function makeEmptyDir(directory: string): void {
  makeOpenDirectory(directory);
}

/** emptyDir with medium Memory: a tmpfs, of `size` bytes at most when given (else half the memory, `tmpfs(5)`). */
export function makeMemoryVolume(directory: string, options: { readonly size?: number } = {}): void {
  mountTmpfs(directory, { data: options.size === undefined ? "mode=1777" : `mode=1777,size=${options.size}`, flags: 0n });
}

/** configMap volume. Returns whether its files changed; to update it, make it again. */
export function makeConfigVolume(directory: string, files: readonly VolumeFile[], options: GroupOption = {}): boolean {
  makeOpenDirectory(directory);
  return writeVolumeFiles(directory, files, options);
}

/** secret volume: on a tmpfs of its own, so that it is never written to a disk (nor to swap, where the kernel can promise that). */
export function makeSecretVolume(directory: string, files: readonly VolumeFile[], options: GroupOption = {}): boolean {
  const flags = MS_NOSUID | MS_NODEV;
  try {
    mountTmpfs(directory, { data: "mode=1777,noswap", flags });
  } catch (thrown) {
    if (!(thrown instanceof WherryError) || thrown.code !== "EINVAL") throw thrown; // before Linux 6.4
    mountTmpfs(directory, { data: "mode=1777", flags });
  }
  return writeVolumeFiles(directory, files, options);
}

/** emptyDir on huge pages of `pageSize` bytes, of `size` bytes at most when given (kernel `hugetlbpage.rst`). */
export function makeHugePagesVolume(directory: string, options: { readonly pageSize: number; readonly size?: number }): void {
  ensureDirectory(directory);
  if (isMountPoint(directory)) return;
  const size = options.size === undefined ? "" : `,size=${options.size}`;
  mount("nodev", directory, "hugetlbfs", 0n, `pagesize=${options.pageSize},mode=1777${size}`);
}

/**
 * Unmounts everything at and below a pod's directory and removes it. Not there is success. Fails, with everything
 * in place, while something below is still mounted.
 */
export async function removePodVolumes(directory: string): Promise<void> {
  for (const target of mountsBelow(directory)) unmount(target);
  const left = mountsBelow(directory);
  if (left.length > 0) fail("failed", `Cannot remove "${directory}": "${left[0]}" is still mounted`);
  const hidden = `${dirname(directory)}/.gone-${basename(directory)}`;
  await removeHere(hidden);
  if (unless("ENOENT", () => renameSync(directory, hidden) ?? true, false)) await removeHere(hidden);
}

/** Never goes into another filesystem, whatever is mounted there. */
const removeHere = (path: string) => exec(["rm", "-rf", "--one-file-system", "--", path], { timeout: LONG });

/** Mode 0777 whatever the umask is. */
function makeOpenDirectory(directory: string): void {
  ensureDirectory(directory);
  chmodSync(directory, 0o777);
}

/** A directory that is a mount point already is left as it is. */
function mountTmpfs(directory: string, options: { readonly data: string; readonly flags: bigint }): void {
  ensureDirectory(directory);
  if (!isMountPoint(directory)) mount("tmpfs", directory, "tmpfs", options.flags, options.data);
}

const isMountPoint = (directory: string): boolean => statSync(directory).dev !== statSync(dirname(directory)).dev;
