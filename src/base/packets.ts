/** Sockets of packets (unix(7), SOCK_SEQPACKET), which Bun has no API for: connected by FFI, read and written by Bun. */
import { dlopen, FFIType, ptr, read as readMemory } from "bun:ffi";
import { close, closeSync, constants, openSync, read, write } from "node:fs";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";
import { fail } from "./errors.ts";
import { errnoName } from "./libc.ts";

const { i32, u32, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  socket: { args: [i32, i32, i32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  shutdown: { args: [i32, i32], returns: i32 },
  __errno_location: { args: [], returns: pointer },
}).symbols;

const AF_UNIX = 1, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0o2000000;
const SHUT_WR = 1, SHUT_RDWR = 2;
const O_PATH = 0o10000000;

/** A connection that keeps the borders of what is sent. Reading and writing wait in threads of their own. */
export interface PacketSocket extends Disposable {
  /** Packets of at most `largest` bytes, until the other side closes; what is beyond that is lost. */
  packets(largest: number): AsyncGenerator<Uint8Array>;
  /** Sends one packet; false when the other side has gone. Not to be called again before it has resolved. */
  send(data: Uint8Array): Promise<boolean>;
  /** Tells the other side that nothing more comes. */
  end(): void;
}

/** Connects to the socket at `path`, which may be longer than the address of a socket. Fails with the errno as code. */
export function connectPackets(path: string): PacketSocket {
  const fd = libc.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("failed", "Cannot open a socket: the process has too many files open");
  try {
    connect(fd, path);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  return socketOn(fd);
}

function connect(fd: number, path: string): void {
  const directory = openSync(dirname(path), O_PATH | constants.O_DIRECTORY);
  try {
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`/proc/self/fd/${directory}/${basename(path)}\0`)]);
    if (libc.connect(fd, ptr(address), address.length) === 0) return;
    const where = libc.__errno_location();
    const code = errnoName(where === null ? 0 : readMemory.i32(where, 0));
    fail("failed", `Cannot connect to "${path}": ${code}`, { code });
  } finally {
    closeSync(directory);
  }
}

const readOnce = promisify(read), writeOnce = promisify(write), closeOnce = promisify(close);

function socketOn(fd: number): PacketSocket {
  let busy = 0;
  let open = true;
  /** A descriptor that a thread waits on is closed after it has stopped waiting: until then its number must not be given anew. */
  const attended = async <T>(action: () => Promise<T>): Promise<T> => {
    busy += 1;
    try {
      return await action();
    } finally {
      busy -= 1;
      if (!open && busy === 0) await closeOnce(fd);
    }
  };
  return {
    async *packets(largest) {
      while (open) {
        const buffer = Buffer.alloc(largest);
        const { bytesRead } = await attended(() => readOnce(fd, buffer, 0, largest, null)).catch(() => ({ bytesRead: 0 }));
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    },
    send: async (data) => open && attended(() => writeOnce(fd, data)).then(() => true, () => false),
    end: () => void (open && libc.shutdown(fd, SHUT_WR)),
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      libc.shutdown(fd, SHUT_RDWR); // wakes the threads
      if (busy === 0) closeSync(fd);
    },
  };
}
