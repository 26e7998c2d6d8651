/**
 * The plain room, entered by the benchmark itself. Everything runs inside, with namespaces of the room's own, and ends
 * with it; the rest, a directory on disk, is removed from outside. The room ends when its standard input does: also when
 * the benchmark is interrupted or killed.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { mount, MS_BIND, MS_REC, unmount } from "../src/base/libc.ts";

const CHECKOUT = resolve(import.meta.dir, "..");
const INTERRUPTED = 130;
/** Says to the benchmark that it is inside: the run's directory on disk. */
const MARK = "WHERRY_BENCH_ROOM";

/** The run's directory as the room calls it: as short as where engines are installed, because mount options name every layer. */
export const DISK = "/run/disk";

/** The run's directory, when this process is in the room. */
export const insideRoom = (): string | undefined => process.env[MARK];

/** Runs this program again inside; returns what it has written to stdout. Fails when it has failed or was interrupted. */
export async function runInRoom(): Promise<string> {
  const disk = mkdtempSync("/var/tmp/wherry-bench."); // not /tmp, which may be in memory
  try {
    const argv = [`${CHECKOUT}/tools/room-plain`, process.execPath, Bun.main, ...process.argv.slice(2)];
    const child = Bun.spawn(argv, { env: { ...process.env, [MARK]: disk }, stdio: ["pipe", "pipe", "inherit"] });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void child.stdin.end());
    const output = await new Response(child.stdout).text();
    const status = await child.exited;
    if (status === INTERRUPTED) throw new Error("Cannot finish the benchmark: it was interrupted");
    if (status !== 0) throw new Error(`Cannot finish the benchmark: the room ended with ${status}`);
    return output;
  } finally {
    rmSync(disk, { recursive: true, force: true });
  }
}

/**
 * Makes the room ready: the run's directory under a short name, shared memory of its own, where Podman keeps its locks, and a /sys that shows the interfaces of
 * the room's network and not the machine's. The room ends when nobody holds its standard input any more.
 */
export function furnishRoom(disk: string): void {
  process.stdin.on("end", () => process.exit(INTERRUPTED)).resume();
  mkdirSync(DISK);
  mount(disk, DISK, "", MS_BIND);
  mount("tmpfs", "/dev/shm", "tmpfs");
  mount("sysfs", "/mnt", "sysfs");
  mount("/sys/fs/cgroup", "/mnt/fs/cgroup", "", MS_BIND | MS_REC);
  mount("/mnt", "/sys", "", MS_BIND | MS_REC);
  unmount("/mnt");
}
