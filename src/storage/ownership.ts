/** The group of a volume's files (kubelet pkg/volume `SetVolumeOwnership`), which `fsGroup` of a pod asks for. */
import { chmodSync, lchownSync, lstatSync, type Stats } from "node:fs";
import { chmod, lchown, lstat, opendir } from "node:fs/promises";

const READ_WRITE = 0o660;
const READ_ONLY = 0o440;
const ENTER = 0o110;
const SETGID = 0o2000;

/** The mode of a file or directory in a volume that a group owns. */
export function groupMode(mode: number, options: { readonly directory: boolean; readonly readOnly: boolean }): number {
  return mode | (options.readOnly ? READ_ONLY : READ_WRITE) | (options.directory ? SETGID | ENTER : 0);
}

/** Gives one file or directory, whose owner is root, to a group. Symbolic links are not followed. */
export function ownOne(path: string, group: number, options: { readonly readOnly: boolean }): void {
  const found = lstatSync(path);
  lchownSync(path, found.uid, group);
  if (!found.isSymbolicLink()) chmodSync(path, groupMode(found.mode & 0o7777, { directory: found.isDirectory(), ...options }));
}

/**
 * Gives everything of a volume to a group; with `onlyOnMismatch` not when its root has the group, the bits and setgid
 * already. Never follows a link. Other mounts below it are gone into, as the kubelet does. Repeatable.
 */
export async function ownVolume(directory: string, group: number, options: { readonly readOnly: boolean; readonly onlyOnMismatch: boolean }): Promise<void> {
  if (options.onlyOnMismatch && matches(await lstat(directory), group, options)) return;
  await ownTree(directory, group, options);
}

function matches(root: Stats, group: number, { readOnly }: { readonly readOnly: boolean }): boolean {
  const mode = root.mode & 0o7777;
  return root.gid === group && groupMode(mode, { directory: true, readOnly }) === mode;
}

/** Leaves before their directory: a root that matches stands for a volume that was finished. */
async function ownTree(path: string, group: number, options: { readonly readOnly: boolean }): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory()) for await (const entry of await opendir(path)) await ownTree(`${path}/${entry.name}`, group, options);
  await lchown(path, found.uid, group);
  if (!found.isSymbolicLink()) await chmod(path, groupMode(found.mode & 0o7777, { directory: found.isDirectory(), ...options }));
}
