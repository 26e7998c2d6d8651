/**
 * fuse-overlayfs(1): an overlay that is a process, for an ordinary user where the kernel's own cannot be: before Linux
 * 5.11, and where the store is on an overlay itself. The kernel is asked first, each time that it may know better.
 *
 * The process ends when its overlay is unmounted. Beside the mount point `target` are `target.lower`, the layers, one a
 * line, since the mount table does not name them; and `target.life`, a fifo that the process holds open for writing.
 * When the process has ended before, everything below the mount point answers ENOTCONN, and unmounting is all that helps.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { writersEnd } from "../base/fifos.ts";
import { mkfifo, unmount } from "../base/libc.ts";
import { commonDirectory, isHiddenByFiles } from "./layout.ts";
import { mountPointsOf } from "./mounts.ts";

export interface FuseOverlay {
  /** Words in front of the program's: they take the process to where nothing ends it before its time, and become it. */
  readonly launcher: () => readonly string[];
}

export interface OverlayMount {
  /** Directories of the layers, lowest first. */
  readonly layers: readonly string[];
  readonly target: string;
  /** Absolute. Absent: nothing can be written. */
  readonly writable?: { readonly upper: string; readonly work: string };
}

export interface OverlayWays {
  readonly natively: () => void;
  /** Absent where the kernel's overlay is all there is: for root. */
  readonly fuse: FuseOverlay | undefined;
}

const PROGRAM = "fuse-overlayfs", TYPE = "fuse.fuse-overlayfs";
/** Milliseconds until the overlay must be mounted. */
const TIMEOUT = 20_000;
/** Not from an ordinary user; not on this filesystem; not in this kernel. */
const REFUSALS = ["EPERM", "EINVAL", "ENODEV"];
/** Filesystems that this process has been refused to write on: another try would be one more line in the kernel's log. */
const refused = new Set<number>();

const lowerFile = (target: string): string => `${target}.lower`;
const lifeFifo = (target: string): string => `${target}.life`;

/** Mounts an overlay by the kernel, or else by fuse-overlayfs. Kind `unavailable` when neither can be, `failed` when it did not come to be. */
export function mountEither(overlay: OverlayMount, { natively, fuse }: OverlayWays): void {
  if (fuse === undefined) return natively();
  const { layers, writable } = overlay;
  const filesystem = writable === undefined ? -1 : statSync(writable.upper).dev;
  if (layers.some(isHiddenByFiles) || refused.has(filesystem)) return mountByFuse(overlay, fuse);
  try {
    natively();
  } catch (thrown) {
    if (!REFUSALS.includes(errnoOf(thrown) ?? "")) throw thrown;
    mountByFuse(overlay, fuse);
    if (writable !== undefined) refused.add(filesystem);
  }
}

function mountByFuse({ layers, target, writable }: OverlayMount, { launcher }: FuseOverlay): void {
  const directory = commonDirectory(layers);
  const lower = directory === undefined ? layers : layers.map((layer) => basename(layer));
  writeFileSync(lowerFile(target), lower.join("\n"));
  mkfifo(lifeFifo(target));
  const options = fuseOptions({ layers: lower, target, ...(writable && { writable }) });
  // Who is killed meanwhile takes it along: it leaves us only when it has mounted, and what is mounted is found.
  run(["setpriv", "--pdeathsig=KILL", ...launcher(), PROGRAM, "-o", options, target], { cwd: directory ?? "/", target });
}

/** Its own process group and standard streams are made by the program. */
function run(argv: readonly string[], { cwd, target }: { readonly cwd: string; readonly target: string }): void {
  if (Bun.which(PROGRAM, { PATH: CLEAN_ENV["PATH"] ?? "" }) === null) {
    fail("unavailable", `Cannot mount "${target}": the kernel mounts no overlay there for this user, and "${PROGRAM}" is not installed`, { hint: `install the package "${PROGRAM}"` });
  }
  const reader = openSync(lifeFifo(target), constants.O_RDONLY | constants.O_NONBLOCK); // without one, a writer would wait
  const life = openSync(lifeFifo(target), constants.O_WRONLY);
  try {
    const { exitCode, stderr } = Bun.spawnSync([...argv], { cwd, env: { ...CLEAN_ENV }, stdio: ["ignore", "ignore", "pipe", life], timeout: TIMEOUT, killSignal: "SIGKILL" });
    if (exitCode !== 0) fail("failed", `Cannot mount "${target}" by ${PROGRAM}: ${lastLine(stderr.toString()) || `exit status ${exitCode}`}`, { context: { argv } });
  } finally {
    closeSync(life);
    closeSync(reader);
  }
}

const lastLine = (text: string): string => (text.trim().split("\n").at(-1) ?? "").replace(`${PROGRAM}: `, "");

/** `volatile` as for the kernel's overlay. It understands no escapes of a colon. */
export function fuseOptions({ layers, target, writable }: OverlayMount): string {
  // Without layers the mount point, empty as it is, stands in, as for the kernel
  const lower = layers.length === 0 ? [target] : layers.toReversed();
  const rest = writable === undefined ? ["ro,nosuid"] : [`upperdir=${escape(writable.upper)}`, `workdir=${escape(writable.work)}`, "volatile"];
  return [`lowerdir=${lower.map(escape).join(":")}`, ...rest].join(",");
}

const escape = (path: string): string => path.replaceAll("\\", "\\\\").replaceAll(",", "\\,");

/** Takes an overlay away whose process has ended; another mount, or none, stays. */
export function unmountDead(target: string): void {
  while (isDead(target) && unmount(target));
}

/** Attributes are remembered by the kernel, the state of the filesystem is asked for. */
function isDead(target: string): boolean {
  try {
    statfsSync(target);
    return false;
  } catch (thrown) {
    return errnoOf(thrown) === "ENOTCONN";
  }
}

/** Resolves with true when the process behind an overlay has ended; with false when there is none behind it, or `signal` came first. */
export async function fuseEnd(target: string, signal: AbortSignal): Promise<boolean> {
  return existsSync(lifeFifo(target)) && (await writersEnd(lifeFifo(target), signal));
}

/** The overlays by fuse-overlayfs in the text of a mountinfo file, with their layers as they were named when it was mounted. */
export function fuseOverlaysIn(text: string): readonly { readonly target: string; readonly lower: readonly string[] }[] {
  return mountPointsOf(text, TYPE).map((target) => ({ target, lower: unless("ENOENT", () => readFileSync(lowerFile(target), "utf8").split("\n"), []) }));
}
