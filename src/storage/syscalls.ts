/**
 * System calls on names that may be any bytes, and lookups that cannot leave a directory, by FFI to the C library.
 * Each throws a `WherryError` of kind `failed` whose code is the errno.
 */
import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { closeSync, constants, openSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { harmless } from "./names.ts";

const { i32, u32, u64, i64, cstring, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  mknod: { args: [cstring, u32, u64], returns: i32 },
  lsetxattr: { args: [cstring, cstring, pointer, u64, i32], returns: i32 },
  utimensat: { args: [i32, cstring, pointer, i32], returns: i32 },
  syscall: { args: [i64, i32, cstring, pointer, u64], returns: i64 },
  __errno_location: { args: [], returns: pointer },
}).symbols;

const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM", 2: "ENOENT", 11: "EAGAIN", 13: "EACCES", 17: "EEXIST", 18: "EXDEV", 20: "ENOTDIR", 22: "EINVAL",
  28: "ENOSPC", 36: "ENAMETOOLONG", 38: "ENOSYS", 40: "ELOOP", 95: "EOPNOTSUPP", 122: "EDQUOT",
};

function errno(): string {
  const where = libc.__errno_location();
  const number = where === null ? 0 : read.i32(where, 0);
  return ERRNO[number] ?? `errno ${number}`;
}

const terminated = (value: Buffer): Buffer => Buffer.concat([value, Buffer.alloc(1)]);

function check(result: number, call: string, path: Buffer): void {
  if (result === 0) return;
  const code = errno();
  fail("failed", `Cannot ${call} "${harmless(path.toString())}": ${code}`, { code });
}

/** Makes overlayfs's whiteout, the character device 0:0 (kernel `overlayfs.rst`, "whiteouts and opaque directories"). */
export function makeWhiteout(path: Buffer): void {
  check(libc.mknod(terminated(path), constants.S_IFCHR, 0n), "make whiteout", path);
}

/** Sets an extended attribute, of a symbolic link its own. */
export function setAttribute(path: Buffer, name: string, value: string): void {
  const bytes = Buffer.from(value);
  check(libc.lsetxattr(terminated(path), Buffer.from(`${name}\0`), ptr(bytes), BigInt(bytes.length), 0), `set attribute ${name} of`, path);
}

/** Sets access and modification time, in nanoseconds since the epoch (`utimensat(2)`). */
export function setTimes(path: Buffer, times: { readonly atimeNs: bigint; readonly mtimeNs: bigint }): void {
  const second = 1_000_000_000n;
  const parts = [times.atimeNs, times.mtimeNs].flatMap((time) => {
    const rest = ((time % second) + second) % second; // also before 1970 it counts forwards
    return [(time - rest) / second, rest];
  });
  check(libc.utimensat(-100, terminated(path), ptr(BigInt64Array.from(parts)), 0), "set the times of", path);
}

const directoryCalls = dlopen("libc.so.6", { fchdir: { args: [i32], returns: i32 } }).symbols;

/**
 * Does something with `directory` as the working directory, and goes back to the former one, which may be a directory
 * that has been removed. `action` is synchronous; names that other threads use meanwhile must not be relative.
 */
export function workingIn<T>(directory: string, action: () => T): T {
  const former = openSync(".", O_PATH | constants.O_DIRECTORY);
  try {
    const there = openSync(directory, O_PATH | constants.O_DIRECTORY);
    try {
      check(directoryCalls.fchdir(there), "work in", Buffer.from(directory));
    } finally {
      closeSync(there);
    }
    try {
      return action();
    } finally {
      check(directoryCalls.fchdir(former), "go back from", Buffer.from(directory));
    }
  } finally {
    closeSync(former);
  }
}

const SYS_OPENAT2 = 437n;
const O_CLOEXEC = 0o2000000;
/** A descriptor that only names a file (`open(2)`). */
export const O_PATH = 0o10000000;

/** How a lookup below a directory treats what would leave it (`openat2(2)`). */
export const RESOLVE = {
  /** It is an error, EXDEV. */
  beneath: 0x02n | 0x08n,
  /** That, and any symbolic link is an error, ELOOP. */
  plain: 0x02n | 0x04n | 0x08n,
  /** The directory is taken for `/`, as after chroot(2). */
  inRoot: 0x02n | 0x10n,
} as const;

/** Opens `path` below the directory open at `directory`; no symbolic link leads out of it. Returns a descriptor. */
export function openBelow(directory: number, path: string | Buffer, options: { readonly flags: number; readonly resolve: bigint }): number {
  const how = BigUint64Array.of(BigInt(options.flags | O_CLOEXEC), 0n, options.resolve);
  const name = typeof path === "string" ? Buffer.from(path) : path;
  // EAGAIN: something was renamed during the lookup, which a hostile container can keep up for ever
  for (let attempts = 0; attempts < 100; attempts += 1) {
    const fd = Number(libc.syscall(SYS_OPENAT2, directory, terminated(name), ptr(how), BigInt(how.byteLength)));
    if (fd >= 0) return fd;
    const code = errno();
    if (code !== "EAGAIN") fail("failed", `Cannot open "${harmless(name.toString())}": ${code}`, { code });
  }
  fail("failed", `Cannot open "${harmless(name.toString())}": it is being renamed all the time`, { code: "EAGAIN" });
}

const attributeCalls = dlopen("libc.so.6", {
  llistxattr: { args: [cstring, pointer, u64], returns: i64 },
  lgetxattr: { args: [cstring, cstring, pointer, u64], returns: i64 },
  lremovexattr: { args: [cstring, cstring], returns: i32 },
}).symbols;

/** The kernel's limit for a list of names, and for one value (`xattr(7)`). */
const LARGEST = 65_536;
const scratch = Buffer.alloc(LARGEST);

/** Extended attributes of a file, of a symbolic link its own. Filesystems without them have none. */
export function attributesOf(path: Buffer): readonly (readonly [name: string, value: Buffer])[] {
  const file = terminated(path);
  const length = Number(attributeCalls.llistxattr(file, ptr(scratch), BigInt(LARGEST)));
  if (length < 0 && errno() !== "EOPNOTSUPP") check(-1, "list the attributes of", path);
  if (length <= 0) return [];
  const names = scratch.toString("latin1", 0, length - 1).split("\0");
  return names.map((name) => {
    const size = Number(attributeCalls.lgetxattr(file, Buffer.from(`${name}\0`, "latin1"), ptr(scratch), BigInt(LARGEST)));
    if (size < 0) check(-1, `read attribute ${name} of`, path);
    return [name, Buffer.from(scratch.subarray(0, size))];
  });
}

/** Takes an extended attribute away. */
export function removeAttribute(path: Buffer, name: string): void {
  check(attributeCalls.lremovexattr(terminated(path), Buffer.from(`${name}\0`, "latin1")), `remove attribute ${name} of`, path);
}
