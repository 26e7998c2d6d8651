/** The group of a volume's files (kubelet pkg/volume `SetVolumeOwnership`), which `fsGroup` of a pod asks for. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, lchownSync, lstatSync, openSync, readdirSync, type Stats } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { unless } from "../base/errors.ts";
import { O_PATH, openBelow, RESOLVE } from "./syscalls.ts";

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
 * already. Links are left alone, and never followed: a container that has the volume may put one anywhere meanwhile,
 * so every file is reached by a descriptor of its directory. Other mounts below it are gone into, as the kubelet does.
 * Repeatable.
 */
export async function ownVolume(directory: string, group: number, options: { readonly readOnly: boolean; readonly onlyOnMismatch: boolean }): Promise<void> {
  const root = openSync(directory, O_PATH);
  try {
    if (!options.onlyOnMismatch || !matches(fstatSync(root), group, options)) await ownTree(root, group, options);
  } finally {
    closeSync(root);
  }
}

function matches(root: Stats, group: number, { readOnly }: { readonly readOnly: boolean }): boolean {
  const mode = root.mode & 0o7777;
  return root.gid === group && groupMode(mode, { directory: true, readOnly }) === mode;
}

/** Leaves before their directory: a root that matches stands for a volume that was finished. Lets others work after each directory. */
async function ownTree(fd: number, group: number, options: { readonly readOnly: boolean }): Promise<void> {
  const path = `/proc/self/fd/${fd}`;
  const found = fstatSync(fd);
  if (found.isDirectory()) {
    for (const name of readdirSync(path, { encoding: "buffer" })) await ownEntry(fd, name, { ...options, group });
    await setImmediate();
  }
  if (found.isSymbolicLink()) return;
  chownSync(path, found.uid, group);
  chmodSync(path, groupMode(found.mode & 0o7777, { directory: found.isDirectory(), ...options }));
}

/** What has been removed meanwhile is nobody's. */
async function ownEntry(parent: number, name: Buffer, { group, readOnly }: { readonly group: number; readonly readOnly: boolean }): Promise<void> {
  const fd = unless("ENOENT", () => openBelow(parent, name, { flags: O_PATH | constants.O_NOFOLLOW, resolve: RESOLVE.beneath }), undefined);
  if (fd === undefined) return;
  try {
    await ownTree(fd, group, { readOnly });
  } finally {
    closeSync(fd);
  }
}
