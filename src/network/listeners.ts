/** Who listens on this host: /proc/net/tcp and its kin (proc(5)), and whose process it is. */
import { readdirSync, readlinkSync } from "node:fs";
import { readIfExists } from "../base/files.ts";

export interface Listener {
  readonly protocol: "tcp" | "udp";
  /** `127.0.0.1`, `fe80::1`; empty: every address. */
  readonly address: string;
  readonly port: number;
  /** In numbers of the user namespace of who reads; `OVERFLOW` for one that has no number there. */
  readonly uid: number;
  readonly inode: string;
}

/** The number of everybody that a user namespace does not know (user_namespaces(7)). */
export const OVERFLOW = 65_534;

/** The tables, by what they are called below /proc/net. */
export const SOCKET_TABLES = ["tcp", "tcp6", "udp", "udp6"] as const;
/** TCP_LISTEN; a UDP socket that is connected to nobody is TCP_CLOSE (kernel `tcp_states.h`). */
const LISTENING = { tcp: "0A", udp: "07" } as const;

/** Every listener of the network that this process is in. */
export const readListeners = (directory = "/proc/net"): readonly Listener[] => SOCKET_TABLES.flatMap((name) => listenersOf(readIfExists(`${directory}/${name}`) ?? "", name.startsWith("tcp") ? "tcp" : "udp"));

/** The listeners of one table. */
export function listenersOf(table: string, protocol: Listener["protocol"]): readonly Listener[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state, , , , uid = "", , inode = ""] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    return state === LISTENING[protocol] ? [{ protocol, address: addressOf(address), port: Number.parseInt(port, 16), uid: Number(uid), inode }] : [];
  });
}

/** Words of four bytes, each in the order of the machine, which is the little-endian one. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)));
  if (bytes.every((byte) => byte === 0)) return "";
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** The process that has the socket open, as far as this process may look; undefined when it may not. */
export function processOf(inode: string): number | undefined {
  const wanted = `socket:[${inode}]`;
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).find((pid) => descriptorsOf(pid).includes(wanted));
}

function descriptorsOf(pid: number): readonly string[] {
  const attempt = <T>(action: () => T, otherwise: T): T => {
    try {
      return action();
    } catch {
      return otherwise; // it is another's, or has ended
    }
  };
  return attempt(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""));
}

/** `"nginx" (process 4711)`; undefined when it is another user's, or nobody's. */
export function whoListens(port: number, protocol: string): string | undefined {
  const pids = readListeners().filter((each) => each.port === port && each.protocol === protocol).map(({ inode }) => processOf(inode));
  const pid = pids.find((each) => each !== undefined);
  return pid === undefined ? undefined : `"${(readIfExists(`/proc/${pid}/comm`) ?? "").trim()}" (process ${pid})`;
}
