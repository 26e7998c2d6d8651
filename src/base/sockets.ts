/** Sockets with a source address that is not this host's (`IP_TRANSPARENT`, ip(7)), by FFI to the C library. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { isIPv4 } from "./addresses.ts";
import { fail } from "./errors.ts";
import { errno } from "./libc.ts";

const { i32, u32, pointer } = FFIType;
const libc = dlopen("libc.so.6", {
  socket: { args: [i32, i32, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
  bind: { args: [i32, pointer, u32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  close: { args: [i32], returns: i32 },
}).symbols;

const AF_INET = 2, AF_INET6 = 10;
const TYPES = { tcp: 1, udp: 2 } as const;
const NONBLOCK_CLOEXEC = 0o2004000;
/** Level and name of the options. */
const TRANSPARENT = { 4: [0, 19], 6: [41, 75] } as const, REUSE_ADDRESS = [1, 2] as const;

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export interface TransparentRequest {
  readonly protocol: keyof typeof TYPES;
  /** Anybody's, of the family of `to`. When its port is taken, another one of its address. */
  readonly from: SocketAddress;
  readonly to: SocketAddress;
}

/**
 * Begins a connection in the network namespace of the calling thread and returns its descriptor, which does not block.
 * What comes back finds it only where packets for such sockets are delivered locally. Needs CAP_NET_ADMIN there.
 */
export function connectFrom({ protocol, from, to }: TransparentRequest): number {
  const family = isIPv4(to.address) ? 4 : 6;
  const fd = libc.socket(family === 4 ? AF_INET : AF_INET6, TYPES[protocol] | NONBLOCK_CLOEXEC, 0);
  if (fd < 0) fail("failed", `Cannot open a socket: ${errno()}`);
  const done = (result: number, call: string): void => {
    if (result >= 0) return;
    const why = errno();
    if (call === "connect" && why === "errno 115") return; // EINPROGRESS: it has begun
    libc.close(fd);
    fail("failed", `Cannot ${call} a socket of "${from.address}" to "${to.address}": ${why}`);
  };
  for (const [level, name] of [TRANSPARENT[family], REUSE_ADDRESS]) done(libc.setsockopt(fd, level, name, ptr(Int32Array.of(1)), 4), "prepare");
  if (bind(fd, from) < 0) done(bind(fd, { ...from, port: 0 }), "bind");
  const there = encoded(to);
  done(libc.connect(fd, ptr(there), there.length), "connect");
  return fd;
}

function bind(fd: number, at: SocketAddress): number {
  const here = encoded(at);
  return libc.bind(fd, ptr(here), here.length);
}

/** `struct sockaddr_in` or `struct sockaddr_in6`. */
function encoded({ address, port }: SocketAddress): Buffer {
  const ipv4 = isIPv4(address);
  const whole = Buffer.alloc(ipv4 ? 16 : 28);
  whole.writeUInt16LE(ipv4 ? AF_INET : AF_INET6, 0);
  whole.writeUInt16BE(port, 2);
  whole.set(bytesOf(address), ipv4 ? 4 : 8);
  return whole;
}

/** The four bytes of an IPv4 address, the sixteen of an IPv6 address: eight groups, of which `::` stands for those that are missing. */
export function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [before = [], after = []] = address.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}
