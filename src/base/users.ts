/** Users of the host, by the C library: also those of a directory service (nsswitch.conf(5)). */
import { CString, dlopen, FFIType, read } from "bun:ffi";

const libc = dlopen("libc.so.6", { getpwuid: { args: [FFIType.u32], returns: FFIType.pointer } }).symbols;

/** `struct passwd` of 64-bit Linux: pw_name, pw_passwd, pw_uid, pw_gid. */
const GID_OFFSET = 20;

/** Name and first group of a user (getpwuid(3)); undefined when nobody has the number. `os.userInfo` would believe $USER. */
export function userOf(uid: number): { readonly name: string; readonly gid: number } | undefined {
  const entry = libc.getpwuid(uid);
  if (entry === null) return undefined;
  return { name: new CString(read.ptr(entry, 0)).toString(), gid: read.u32(entry, GID_OFFSET) };
}

/** The user's name, or the number when there is none. */
export const userName = (uid: number): string => userOf(uid)?.name ?? String(uid);
