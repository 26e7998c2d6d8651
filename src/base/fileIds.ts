/** Making files as another user, with all rights that we have. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { fail } from "./errors.ts";
import { errno } from "./libc.ts";

const { i32, u32, i64, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  setfsuid: { args: [u32], returns: i32 },
  setfsgid: { args: [u32], returns: i32 },
  syscall: { args: [i64, pointer, pointer], returns: i64 },
}).symbols;

const CAPGET = 125n, CAPSET = 126n, ARM64_CAPGET = 90n, ARM64_CAPSET = 91n;
const [GET, SET] = process.arch === "arm64" ? [ARM64_CAPGET, ARM64_CAPSET] : [CAPGET, CAPSET];
/** `struct __user_cap_header_struct` of version 3, for the calling thread. */
const header = Uint32Array.of(0x20080522, 0);

/**
 * Runs `action`, which must be synchronous, while files that are made belong to `uid` and `gid` (`setfsuid(2)`): what is
 * idmapped has no place for a user that is not mapped. The rights of root over files are kept (`capset(2)`).
 */
export function withFileIds<T>({ uid, gid }: { readonly uid: number; readonly gid: number }, action: () => T): T {
  if (uid === 0 && gid === 0) return action();
  const rights = new Uint32Array(6);
  change(GET, rights);
  libc.setfsgid(gid);
  libc.setfsuid(uid);
  try {
    change(SET, rights);
    return action();
  } finally {
    libc.setfsuid(0);
    libc.setfsgid(0);
    change(SET, rights);
  }
}

function change(call: bigint, rights: Uint32Array): void {
  if (Number(libc.syscall(call, ptr(header), ptr(rights))) !== 0) fail("failed", `Cannot ${call === GET ? "read" : "keep"} the rights of this thread: ${errno()}`);
}
