/**
 * The few system calls that Bun has no API for, by FFI to the C library. Each throws a `WherryError` of kind
 * `failed` that names the call, its object and the errno (`errno(3)`), unless its documentation says otherwise.
 */
import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { fail } from "./errors.ts";

const { i32, u32, u64, cstring, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  flock: { args: [i32, i32], returns: i32 },
  mount: { args: [cstring, cstring, cstring, u64, cstring], returns: i32 },
  umount2: { args: [cstring, i32], returns: i32 },
  unshare: { args: [i32], returns: i32 },
  setns: { args: [i32, i32], returns: i32 },
  sethostname: { args: [cstring, u64], returns: i32 },
  mkfifo: { args: [cstring, u32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, pointer, u64, i32, pointer, u32], returns: u64 },
  close: { args: [i32], returns: i32 },
  __errno_location: { args: [], returns: pointer },
}).symbols;

const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** `errno.h` numbers that are met here, by name. */
const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM", 2: "ENOENT", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES", 16: "EBUSY", 17: "EEXIST", 19: "ENODEV",
  20: "ENOTDIR", 22: "EINVAL", 28: "ENOSPC", 36: "ENAMETOOLONG", 38: "ENOSYS", 40: "ELOOP", 107: "ENOTCONN", 111: "ECONNREFUSED",
};

/** The name of the errno of this thread's last failed call. */
export function errno(): string {
  const where = libc.__errno_location();
  const number = where === null ? 0 : read.i32(where, 0);
  return ERRNO[number] ?? `errno ${number}`;
}

function check(result: number, call: string, object: string, ignored: readonly string[] = []): boolean {
  if (result === 0) return true;
  const code = errno();
  if (ignored.includes(code)) return false;
  fail("failed", `Cannot ${call} "${object}": ${code}`, { code });
}

/** `flock(2)`: takes the exclusive (or shared) lock on an open descriptor. False when it is held and `wait` is false. */
export function flock(fd: number, options: { readonly wait: boolean; readonly shared?: boolean }): boolean {
  const operation = (options.shared === true ? 1 : 2) | (options.wait ? 0 : 4);
  return check(libc.flock(fd, operation), "lock", `descriptor ${fd}`, ["EAGAIN"]);
}

export const MS_RDONLY = 1n, MS_REC = 16384n, MS_NOSUID = 2n, MS_NODEV = 4n, MS_NOEXEC = 8n, MS_BIND = 4096n;

/** `mount(2)`. */
export function mount(source: string, target: string, type: string, flags = 0n, data = ""): void {
  check(libc.mount(text(source), text(target), text(type), flags, text(data)), `mount ${type} on`, target);
}

/** `umount2(2)` with `MNT_DETACH`; true when something was unmounted, false when nothing is mounted or exists there. */
export function unmount(target: string): boolean {
  return check(libc.umount2(text(target), 2), "unmount", target, ["EINVAL", "ENOENT"]);
}

export const CLONE_NEWUTS = 0x04000000, CLONE_NEWIPC = 0x08000000, CLONE_NEWUSER = 0x10000000, CLONE_NEWNET = 0x40000000;

/** `unshare(2)` for the calling thread. */
export function unshare(flags: number): void {
  check(libc.unshare(flags), "unshare", `0x${flags.toString(16)}`);
}

/** `setns(2)` for the calling thread. */
export function setns(fd: number, type: number): void {
  check(libc.setns(fd, type), "enter namespace", `descriptor ${fd}`);
}

/** `sethostname(2)` in the UTS namespace of the calling thread. */
export function sethostname(name: string): void {
  check(libc.sethostname(text(name), BigInt(Buffer.byteLength(name))), "set host name", name);
}

/** `mkfifo(3)`; an existing file of that name is left as it is. */
export function mkfifo(path: string, mode = 0o600): void {
  check(libc.mkfifo(text(path), mode), "make fifo", path, ["EEXIST"]);
}

/**
 * Sends one datagram to a Unix socket (`unix(7)`; a leading `@` means the abstract namespace).
 * Returns false when nobody listens there.
 */
export function sendDatagram(path: string, message: string): boolean {
  const fd = libc.socket(1, 2 | 0o2000000, 0);
  if (fd < 0) fail("failed", `Cannot open a datagram socket: ${errno()}`);
  try {
    const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : path);
    const address = Buffer.concat([Buffer.from([1, 0]), name]);
    const body = Buffer.from(message);
    const sent = libc.sendto(fd, ptr(body), BigInt(body.length), 0x4000, ptr(address), address.length);
    return BigInt.asIntN(64, BigInt(sent)) >= 0n;
  } finally {
    libc.close(fd);
  }
}

const linkCalls = dlopen("libc.so.6", {
  if_nametoindex: { args: [cstring], returns: u32 },
  send: { args: [i32, pointer, u64, i32], returns: FFIType.i64 },
  recv: { args: [i32, pointer, u64, i32], returns: FFIType.i64 },
}).symbols;

/** The index of a network interface in the network namespace of the calling thread (`if_nametoindex(3)`), 0 when there is none. */
export function interfaceIndex(name: string): number {
  return linkCalls.if_nametoindex(text(name));
}

/**
 * Sends one rtnetlink request (`rtnetlink(7)`, with `NLM_F_ACK`) in the network namespace of the calling thread and
 * returns 0, or the positive errno number of the kernel's answer.
 */
export function routeRequest(message: Uint8Array): number {
  const fd = libc.socket(16, 3 | 0o2000000, 0);
  if (fd < 0) fail("failed", `Cannot open a netlink socket: ${errno()}`);
  try {
    if (Number(linkCalls.send(fd, ptr(message), BigInt(message.length), 0)) !== message.length) fail("failed", `Cannot send to netlink: ${errno()}`);
    const answer = Buffer.alloc(8192);
    if (Number(linkCalls.recv(fd, ptr(answer), BigInt(answer.length), 0)) < 20) fail("failed", `Cannot receive from netlink: ${errno()}`);
    return -answer.readInt32LE(16);
  } finally {
    libc.close(fd);
  }
}

/** The name of an errno number, `EBUSY`. */
export const errnoName = (number: number): string => ERRNO[number] ?? `errno ${number}`;

const pidfdCalls = dlopen("libc.so.6", { syscall: { args: [FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64], returns: FFIType.i64 } }).symbols;

const PIDFD_OPEN = 434;

/** `pidfd_open(2)`: a descriptor of a process, close-on-exec; undefined when there is no such process. */
export function openPidfd(pid: number): number | undefined {
  const fd = Number(pidfdCalls.syscall(PIDFD_OPEN, pid, 0, 0));
  return fd < 0 ? undefined : fd;
}

const processCalls = dlopen("libc.so.6", { execve: { args: [cstring, pointer, pointer], returns: i32 } }).symbols;

/** `execve(2)`: this process becomes another program, with the standard streams it has. Does not return. */
export function execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): never {
  const list = (items: readonly Buffer[]): BigUint64Array => new BigUint64Array([...items.map((item) => BigInt(ptr(item))), 0n]);
  // Each is held by a name until the call: the collector does not know of the addresses.
  const words = argv.map(text), variables = Object.entries(env).map(([name, value]) => text(`${name}=${value}`));
  const [wordList, variableList] = [list(words), list(variables)];
  check(processCalls.execve(text(path), ptr(wordList), ptr(variableList)), "run", path);
  return fail("failed", `Cannot run "${path}" with ${words.length} words and ${variables.length} variables: it was not run`);
}

const socketCalls = dlopen("libc.so.6", { getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 } }).symbols;

const SOL_SOCKET = 1, SO_PEERCRED = 17;

/** The user at the other end of a connected Unix socket, as of connect(2) (`SO_PEERCRED`, unix(7)): in numbers of this process's user namespace. */
export function peerUser(fd: number): number {
  const credentials = new Int32Array(3), length = Int32Array.of(credentials.byteLength);
  check(socketCalls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ptr(credentials), ptr(length)), "ask who is at", `descriptor ${fd}`);
  return (credentials[1] ?? -1) >>> 0;
}
