/** Receiving an open descriptor of another process by a Unix socket (unix(7), SCM_RIGHTS), which Bun has no API for: by FFI to the C library. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, constants, openSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fail } from "./errors.ts";
import { errno } from "./libc.ts";
import { readable } from "./readable.ts";

const { i32, u32, i64, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  socket: { args: [i32, i32, i32], returns: i32 },
  bind: { args: [i32, pointer, u32], returns: i32 },
  listen: { args: [i32, i32], returns: i32 },
  accept4: { args: [i32, pointer, pointer, i32], returns: i32 },
  recvmsg: { args: [i32, pointer, i32], returns: i64 },
  shutdown: { args: [i32, i32], returns: i32 },
  fcntl: { args: [i32, i32, i32], returns: i32 },
}).symbols;

const AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = 0o2000000, SOCK_NONBLOCK = 0o4000, SHUT_RDWR = 2;
const F_DUPFD_CLOEXEC = 1030, MSG_CMSG_CLOEXEC = 0x40000000, SCM_RIGHTS = 1;
const O_PATH = 0o10000000;

export interface DescriptorSocket extends Disposable {
  /** Resolves when somebody has connected; never when nobody does. */
  connected(): Promise<void>;
  /** The descriptor that the first to connect has sent, close-on-exec and the caller's to close; undefined when nobody has, or none was sent. */
  take(): number | undefined;
}

/** Listens at `path`, which may be longer than the address of a socket, for this user alone; disposed of, the socket is gone. Fails with the errno as code. */
export function listenForDescriptor(path: string): DescriptorSocket {
  const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("failed", `Cannot open a socket: ${errno()}`);
  const close = (): void => {
    libc.shutdown(fd, SHUT_RDWR); // wakes who waits
    closeSync(fd);
    rmSync(path, { force: true });
  };
  try {
    listenAt(fd, path);
  } catch (thrown) {
    close();
    throw thrown;
  }
  return {
    connected: () => readable(libc.fcntl(fd, F_DUPFD_CLOEXEC, 0)),
    take() {
      const connection = libc.accept4(fd, null, null, SOCK_CLOEXEC);
      if (connection < 0) return undefined;
      try {
        return receive(connection);
      } finally {
        closeSync(connection);
      }
    },
    [Symbol.dispose]: close,
  };
}

function listenAt(fd: number, path: string): void {
  const directory = openSync(dirname(path), O_PATH | constants.O_DIRECTORY);
  try {
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`/proc/self/fd/${directory}/${basename(path)}\0`)]);
    if (libc.bind(fd, ptr(address), address.length) === 0 && libc.listen(fd, 1) === 0) return;
    const code = errno();
    fail("failed", `Cannot listen at "${path}": ${code}`, { code });
  } finally {
    closeSync(directory);
  }
}

/** Bytes of the name that comes with the descriptor: runtimes send that of the terminal. */
const DATA = 4096;
/** A `struct cmsghdr` with one descriptor, padded (cmsg(3)). */
const CONTROL = 24;

/** One recvmsg(2), with `struct msghdr` and `struct iovec` of 64-bit hosts. Who connects sends at once. */
function receive(connection: number): number | undefined {
  const data = new Uint8Array(DATA), control = new DataView(new ArrayBuffer(CONTROL));
  const part = BigUint64Array.of(BigInt(ptr(data)), BigInt(data.length));
  const message = BigUint64Array.of(0n, 0n, BigInt(ptr(part)), 1n, BigInt(ptr(control)), BigInt(CONTROL), 0n);
  if (libc.recvmsg(connection, ptr(message), MSG_CMSG_CLOEXEC) < 0) return undefined;
  return (message[5] ?? 0n) >= 20n && control.getInt32(12, true) === SCM_RIGHTS ? control.getInt32(16, true) : undefined;
}
