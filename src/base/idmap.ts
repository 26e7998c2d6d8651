/**
 * Idmapped mounts: a file or directory seen a second time, where an id of a file is what the same id means in a user
 * namespace (`mount_setattr(2)`, "ID-mapped mounts").
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { fail } from "./errors.ts";
import { errno } from "./libc.ts";

const { i32, u32, u64, i64, cstring, pointer } = FFIType;
const tree = dlopen("libc.so.6", { syscall: { args: [i64, i32, cstring, u32], returns: i64 } }).symbols;
const attributes = dlopen("libc.so.6", { syscall: { args: [i64, i32, cstring, u32, pointer, u64], returns: i64 } }).symbols;
const attach = dlopen("libc.so.6", { syscall: { args: [i64, i32, cstring, i32, cstring, u32], returns: i64 } }).symbols;

const OPEN_TREE = 428n, MOVE_MOUNT = 429n, MOUNT_SETATTR = 442n;
const AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1, OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x100000n, MS_SLAVE = 1n << 19n;

const text = (value: string): Buffer => Buffer.from(`${value}\0`);

export interface Idmap {
  /** A file of the user namespace, `/proc/PID/ns/user` or a pin of it. */
  readonly users: string;
  /** With the mounts below `source`, which keep the ids they have. */
  readonly recursive: boolean;
}

/**
 * Binds `source` to `target`, which exists, with its ids mapped. What is mounted or unmounted below the one is not seen
 * below `source`; the other way round it is. Kind `failed` with the errno as its code, in runc's words where the
 * filesystem or the kernel cannot do it. Nothing is mounted then.
 */
export function bindIdmapped(source: string, target: string, { users, recursive }: Idmap): void {
  const below = recursive ? AT_RECURSIVE : 0;
  const fd = Number(tree.syscall(OPEN_TREE, AT_FDCWD, text(source), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below));
  if (fd < 0) refuse(`copy the mount of "${source}"`);
  try {
    const namespace = openSync(users, "r");
    try {
      setAttributes(fd, { set: MOUNT_ATTR_IDMAP, namespace }, `failed to set MOUNT_ATTR_IDMAP on "${source}"`);
    } finally {
      closeSync(namespace);
    }
    setAttributes(fd, { propagation: MS_SLAVE, flags: below }, `failed to make the mount of "${source}" a slave`);
    if (Number(attach.syscall(MOVE_MOUNT, fd, text(""), AT_FDCWD, text(target), MOVE_MOUNT_F_EMPTY_PATH)) < 0) refuse(`mount "${source}" on "${target}"`);
  } finally {
    closeSync(fd);
  }
}

interface Change {
  readonly set?: bigint;
  readonly propagation?: bigint;
  readonly namespace?: number;
  readonly flags?: number;
}

/** `struct mount_attr`: set, cleared, propagation, user namespace. */
function setAttributes(fd: number, { set = 0n, propagation = 0n, namespace = 0, flags = 0 }: Change, failure: string): void {
  const attr = BigUint64Array.of(set, 0n, propagation, BigInt(namespace));
  if (Number(attributes.syscall(MOUNT_SETATTR, fd, text(""), AT_EMPTY_PATH | flags, ptr(attr), BigInt(attr.byteLength))) === 0) return;
  const code = errno();
  const why = set === 0n ? "" : " (maybe the filesystem used doesn't support idmap mounts on this kernel?)";
  fail("failed", `Cannot map the ids of a mount: ${failure}: ${code}${why}`, { code });
}

function refuse(action: string): never {
  const code = errno();
  return fail("failed", `Cannot ${action}: ${code}`, { code });
}
