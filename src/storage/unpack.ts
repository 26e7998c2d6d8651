/**
 * One layer archive into one directory. The archive is hostile: `bsdtar` runs in a chroot of the directory and
 * without every capability that it does not need, so neither names, links nor a fault in it reach anything else.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import type { Growing } from "./growing.ts";
import { LONG } from "./layout.ts";
import { harmless } from "./names.ts";
import type { UnpackLimits } from "./storage.ts";
import { inUserNamespace } from "./userNamespace.ts";
import { TarReader, type TarListener, type TarSummary } from "./tarReader.ts";

export interface Unpacked extends TarSummary {
  /** `sha256:…` of the uncompressed archive (image-spec config.md, "Layer DiffID") */
  readonly diffId: string;
  /** Device nodes that cannot be made in this user namespace. */
  readonly leftOut: number;
}

export interface UnpackOptions {
  readonly signal?: AbortSignal;
  readonly limits?: Partial<UnpackLimits>;
  /** The digest will be compared with nothing: gzip's own checksum has to tell damage. `bsdcat`, twice as fast, does not look at it. */
  readonly unverified?: boolean;
  /** Is told what the archive is made of while it passes. */
  readonly listener?: TarListener;
  /** The archive is still being written: this is how it is read. */
  readonly growing?: Growing;
  /** Gets the bytes of the archive, as it lies there, that have been read: at most ten times a second, and at the end. */
  readonly read?: (bytes: number) => void;
}

/** More than any layer that is meant well. */
const LIMITS: UnpackLimits = { bytes: 64 * 2 ** 30, entries: 4_000_000 };

/** First bytes of the compressions that `bsdcat` is trusted with; it knows more, and would run helper programs for some. */
const GZIP: readonly number[] = [0x1f, 0x8b];
const COMPRESSED: readonly (readonly number[])[] = [GZIP, [0x28, 0xb5, 0x2f, 0xfd], [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x42, 0x5a, 0x68]];

/**
 * SYS_ADMIN is among the dropped capabilities: an archive cannot set `trusted.overlay.*` attributes, and with them
 * the meaning of the layer. The death signal keeps an unpacker from outliving us and its lock.
 */
const CONFINED = [
  "setpriv", "--no-new-privs", "--pdeathsig=KILL",
  "--bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+mknod,+setfcap,+sys_chroot",
] as const;
const EXTRACT = ["bsdtar", "-x", "-f", "-", "--chroot", "-p", "--numeric-owner", "--xattrs", "--no-acls", "--no-fflags"] as const;

/**
 * Unpacks `archive` (a tar, plain or compressed by gzip, zstd, xz or bzip2) into the empty `directory`, with owners,
 * modes, times, hard links, devices and extended attributes. Kind `invalid` when it is no tar, passes a limit (code
 * `EBOMB`) or has an entry that cannot be made inside the directory, `failed` when the disk is full; the caller removes
 * what is half done.
 */
export async function unpackTar(archive: string, directory: string, options: UnpackOptions = {}): Promise<Unpacked> {
  const control = controlOf(options);
  using source = options.growing === undefined ? openArchive(archive, control, options) : followArchive(options.growing, control);
  const tar = Bun.spawn([...CONFINED, ...EXTRACT], { ...control, cwd: directory, stdin: "pipe", stdout: "ignore", stderr: "pipe" });
  const complaints = new Response(tar.stderr).text();
  const hash = new Bun.CryptoHasher("sha256");
  const reader = new TarReader(options.listener ?? { literal: () => undefined, content: () => undefined }, { ...LIMITS, ...options.limits });
  let passed = 0;
  const tell = seldom(() => options.read?.(source.position(passed)));
  try {
    for await (const chunk of withTarHeader(source.bytes, archive)) {
      control.signal.throwIfAborted();
      passed += chunk.length;
      tell();
      reader.push(chunk);
      hash.update(chunk);
      if (!(await feed(tar, chunk))) break;
    }
    control.signal.throwIfAborted();
    await Promise.resolve(tar.stdin.end()).catch(() => undefined); // it may have ended at the end mark, before the padding
    const status = await tar.exited;
    const summary = reader.end();
    const leftOut = leftOutDevices(await complaints, status);
    if (leftOut === undefined || leftOut > summary.devices.count) refuse(`unpack "${archive}"`, { status, stderr: await complaints });
    await source.finished();
    options.read?.(source.position(passed));
    return { diffId: `sha256:${hash.digest("hex")}`, ...summary, leftOut };
  } finally {
    tar.kill("SIGKILL");
    await tar.exited;
  }
}

/** Ten times a second is often enough. */
function seldom(action: () => void): () => void {
  let last = performance.now();
  return () => {
    if (performance.now() - last < 100) return;
    last = performance.now();
    action();
  };
}

/** Writes the uncompressed bytes of a compressed file to the file `to`. Kind `invalid` when it is damaged. */
export async function decompress(archive: string, to: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
  using source = openArchive(archive, controlOf(options));
  await Bun.write(to, new Response(source.bytes));
  await source.finished();
}

/** The uncompressed bytes of an archive. Kind `invalid` when it is damaged. */
export async function* uncompressed(archive: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
  using source = openArchive(archive, controlOf(options));
  yield* source.bytes;
  await source.finished();
}

/** Whether a file begins as one of the compressions does that are taken here. */
export function isCompressed(path: string): boolean {
  const head = firstBytes(path);
  return COMPRESSED.some((magic) => begins(head, magic));
}

const begins = (head: Buffer, magic: readonly number[]): boolean => magic.every((byte, index) => head[index] === byte);

/** Whether a file begins as a layer archive does: compressed, or as a tar, or as an empty one. */
export function isArchive(path: string): boolean {
  return isCompressed(path) || isTarHeader(firstBytes(path, 512));
}

type Control = ReturnType<typeof controlOf>;
const controlOf = (options: { readonly signal?: AbortSignal }) => ({
  signal: AbortSignal.any([AbortSignal.timeout(LONG), ...(options.signal ? [options.signal] : [])]),
  killSignal: "SIGKILL" as const,
  env: { ...CLEAN_ENV },
});

/**
 * The uncompressed bytes of a file. `finished` fails with kind `invalid` when the decompressor did; `position` says how
 * far the file has been read when so many uncompressed bytes have come.
 */
function openArchive(archive: string, control: Control, options: { readonly unverified?: boolean } = {}) {
  if (!isCompressed(archive)) {
    return { bytes: Bun.file(archive).stream(), position: (passed: number) => passed, finished: async () => undefined, [Symbol.dispose]: () => undefined };
  }
  const fd = openSync(archive, "r");
  // The decompressor shares the offset of our descriptor
  const position = (): number => Number(/^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? 0);
  const program = options.unverified === true && begins(firstBytes(archive), GZIP) ? ["gzip", "-d", "-c"] : ["bsdcat"];
  const { child, finished } = decompressor(archive, program, { ...control, stdin: fd });
  return {
    bytes: child.stdout, position, finished,
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      closeSync(fd);
    },
  };
}

/** `openArchive` of an archive that is still being written. */
function followArchive(growing: Growing, control: Control) {
  if (!isCompressed(growing.path)) return { bytes: growing.bytes(), position: growing.position, finished: async () => undefined, [Symbol.dispose]: () => undefined };
  const { child, finished } = decompressor(growing.path, ["bsdcat"], { ...control, stdin: "pipe" as const });
  const poured = pour(growing.bytes(), child.stdin);
  poured.catch(() => child.kill("SIGKILL"));
  return {
    bytes: child.stdout,
    position: growing.position,
    finished: async () => {
      await poured;
      await finished();
    },
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}

/** Writes with back pressure; a reader that has gone has a status that says why. */
async function pour(bytes: AsyncIterable<Uint8Array>, sink: Bun.FileSink): Promise<void> {
  for await (const chunk of bytes) {
    try {
      sink.write(chunk);
      await sink.flush();
    } catch {
      return;
    }
  }
  await Promise.resolve(sink.end()).catch(() => undefined);
}

function decompressor<Input extends number | "pipe">(archive: string, program: readonly string[], control: Control & { readonly stdin: Input }) {
  const child = Bun.spawn<Input, "pipe", "pipe">(["setpriv", "--no-new-privs", "--pdeathsig=KILL", ...program], { ...control, stdout: "pipe", stderr: "pipe" });
  const complaints = new Response(child.stderr).text();
  const finished = async (): Promise<void> => {
    const status = await child.exited;
    if (status !== 0) refuse(`decompress "${archive}"`, { status, stderr: await complaints });
  };
  return { child, finished };
}

function firstBytes(path: string, count = 6): Buffer {
  const head = Buffer.alloc(count);
  const fd = openSync(path, "r");
  try {
    return head.subarray(0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
}

/**
 * Passes bytes through when they begin as a tar does: with a `ustar` header, or a zero block (an empty layer), or
 * not at all. `bsdtar` would also take formats with other powers (mtree reads host files, ISO images, …).
 */
async function* withTarHeader(bytes: AsyncIterable<Uint8Array>, archive: string): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of bytes) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 512) continue;
    checkHeader(head.subarray(0, 512), archive);
    yield head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) checkHeader(head, archive);
}

function isTarHeader(block: Uint8Array): boolean {
  const magic = Buffer.from(block.subarray(257, 262)).toString("latin1");
  return block.length === 512 && (magic === "ustar" || block.every((byte) => byte === 0));
}

function checkHeader(block: Uint8Array, archive: string): void {
  if (isTarHeader(block)) return;
  fail("invalid", `Cannot unpack "${archive}": it is not a tar archive`);
}

/** Writes with back pressure. False when the unpacker has failed; at its end mark it may end before the padding has. */
async function feed(tar: { readonly stdin: Bun.FileSink; readonly exitCode: number | null }, chunk: Uint8Array): Promise<boolean> {
  if (tar.exitCode !== null) return tar.exitCode === 0;
  try {
    tar.stdin.write(chunk);
    await tar.stdin.flush();
  } catch {
    return true; // it has just ended: its status is asked for next time
  }
  return true;
}

/** What `bsdtar` says of names that are not UTF-8 where they should be, and then takes as they are. */
const REMARK = /^bsdtar: (?:(?:Pathname|Linkname|Uname|Gname) can't be converted from UTF-8 to current locale\.|Error exit delayed from previous errors\.|Removing leading '\/' from member names)$/;
/** Said, with status 0, when it has gone over a header that it could not read to the next one. */
const SKIPPED = /^bsdtar: (?:Damaged tar archive|Retrying\.\.\.)$/m;
const NOT_MADE = /^(.*): Can't create '\1': Operation not permitted$/;

/**
 * How many device nodes are missing when `bsdtar` has otherwise unpacked everything, undefined when it has not. A name
 * inside a message cannot look like one of these, because messages go on after it.
 */
function leftOutDevices(stderr: string, status: number): number | undefined {
  if (status === 0) return SKIPPED.test(stderr) ? undefined : 0;
  const others = stderr.split("\n").filter((line) => line !== "" && !REMARK.test(line));
  return others.length === 0 || (inUserNamespace() && others.every((line) => NOT_MADE.test(line))) ? others.length : undefined;
}

/** Fails with the first complaint of libarchive's tools, without control characters: it quotes names from the archive. */
function refuse(what: string, { status, stderr }: { readonly status: number; readonly stderr: string }): never {
  const line = stderr.split("\n").find((each) => each !== "" && !each.includes("Removing leading '/'")) ?? `exit status ${status}`;
  const reason = line.replace(/^(bsdtar|bsdcat|gzip): (stdin: )?/, "").replace(/: (Unknown error -1|Success)$/, "");
  const kind = /No space left on device|Disk quota exceeded/.test(stderr) ? "failed" : "invalid";
  fail(kind, `Cannot ${what}: ${harmless(reason)}`, { context: { status, stderr } });
}
