/**
 * Files of a running container, as its processes see them, and copies of them from and to the host.
 *
 * The container is hostile: it may put links anywhere and swap files while they are copied. Therefore no path of it is
 * ever looked up by the kernel on our behalf but with `openat2` inside its root; below that, every step goes from an open
 * directory to a name in it, following no link; and no program and no library of the container is run or loaded.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lchownSync, lstatSync, mkdirSync, openSync, readdirSync, readlinkSync, readSync, type Stats, statSync, symlinkSync, unlinkSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf, fail, messageOf, unless } from "../base/errors.ts";
import { harmless } from "./names.ts";
import { O_PATH, openBelow, RESOLVE } from "./syscalls.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/** The root directory of a container, open; dispose to close it. */
export interface Guest extends Disposable {
  readonly root: number;
}

/** The root of the mount namespace of a process. */
export function openGuest(pid: number): Guest {
  const root = openSync(`/proc/${pid}/root`, O_PATH | O_DIRECTORY);
  return { root, [Symbol.dispose]: () => closeSync(root) };
}

/** One of the paths is of the host, one of the container, absolute there. */
export interface Places {
  readonly source: string;
  readonly target: string;
}

export interface CopyOptions {
  /** Told of everything that is not copied: links (out), devices, sockets and pipes. */
  readonly onSkip: (path: string, what: string) => void;
}

export interface CopyInOptions extends CopyOptions {
  /** Owner and permission bits in the container, of a file on the host. */
  readonly give: (file: Stats) => { readonly uid: number; readonly gid: number; readonly mode: number };
}

/**
 * Copies a file or a directory of the container to the host, as kubectl does (its `untarAll`): what is in a directory goes
 * into `target`, beside what is there; a file becomes `target`, and goes into it when that is a directory, which kubectl
 * refuses. Directories above it are made. Files and directories only, with their
 * permission bits; a link is followed when `source` leads over it, and else left out.
 */
export function copyOut(guest: Guest, { source: path, target }: Places, options: CopyOptions): void {
  const fd = openBelow(guest.root, path, { flags: O_PATH, resolve: RESOLVE.inRoot });
  try {
    const into = !fstatSync(fd).isDirectory() && isDirectory(target);
    if (target.endsWith("/") && !into && !fstatSync(fd).isDirectory()) fail("notFound", `Cannot copy to "${target}": it is no directory`);
    const place = into ? `${target}/${nameIn(path)}` : target.replace(/(?<=.)\/+$/, "");
    mkdirSync(dirname(place), { recursive: true });
    takeOut(fd, Buffer.from(place), options);
  } finally {
    closeSync(fd);
  }
}

function takeOut(fd: number, target: Buffer, options: CopyOptions): void {
  const file = fstatSync(fd);
  if (file.isFile()) {
    withFile(openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK), (from) => withFile(openSync(target, O_WRONLY | O_CREAT | O_TRUNC, file.mode & 0o777), (to) => copyBytes(from, to)));
  } else if (file.isDirectory()) {
    unless("EEXIST", () => mkdirSync(target, (file.mode & 0o777) | 0o700), undefined);
    for (const name of readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" })) takeEntryOut(fd, { name, target: joined(target, name) }, options);
  } else options.onSkip(harmless(target.toString()), kindOf(file));
}

function takeEntryOut(directory: number, { name, target }: { readonly name: Buffer; readonly target: Buffer }, options: CopyOptions): void {
  const fd = unless("ENOENT", () => openBelow(directory, name, { flags: O_PATH | O_NOFOLLOW, resolve: RESOLVE.beneath }), undefined);
  if (fd === undefined) return; // removed meanwhile
  withFile(fd, () => takeOut(fd, target, options));
}

/** Copies a file or a directory of the host into the container, by the same rules; links below it are copied as links. */
export function copyIn(guest: Guest, { source, target: path }: Places, options: CopyInOptions): void {
  const contents = /(^|\/)\.$/.test(source);
  const open = (): number => openBelow(guest.root, path, { flags: O_PATH | O_DIRECTORY, resolve: RESOLVE.inRoot });
  const existing = unless("ENOENT", () => unless("ENOTDIR", open, undefined), undefined);
  if (existing === undefined && path.endsWith("/") && !statSync(source).isDirectory()) fail("notFound", `Cannot copy to "${path}": it is no directory of the container`);
  if (existing === undefined) return intoParent(guest, { source: Buffer.from(source), path }, options);
  withFile(existing, () => {
    if (contents) putEntries(existing, Buffer.from(source), options);
    else put(existing, { name: Buffer.from(nameIn(source)), source: Buffer.from(source), file: statSync(source) }, options);
  });
}

function intoParent(guest: Guest, { source, path }: { readonly source: Buffer; readonly path: string }, options: CopyInOptions): void {
  const parent = openBelow(guest.root, dirname(path), { flags: O_PATH | O_DIRECTORY, resolve: RESOLVE.inRoot });
  withFile(parent, () => put(parent, { name: Buffer.from(nameIn(path)), source, file: statSync(source) }, options));
}

interface Entry {
  readonly name: Buffer;
  readonly source: Buffer;
  readonly file: Stats;
}

function put(directory: number, { name, source, file }: Entry, options: CopyInOptions): void {
  const path = joined(Buffer.from(`/proc/self/fd/${directory}`), name);
  try {
    if (file.isDirectory()) putDirectory(directory, { name, source, file }, options);
    else if (file.isFile()) withFile(openSync(source, O_RDONLY), (from) => withFile(freshFile(path), (to) => {
      copyBytes(from, to);
      own(to, options.give(file));
    }));
    else if (file.isSymbolicLink()) putLink(path, source, options.give(file));
    else options.onSkip(source.toString(), kindOf(file));
  } catch (thrown) {
    if (errnoOf(thrown) === undefined || !messageOf(thrown).includes("/proc/self/fd/")) throw thrown;
    fail("failed", `Cannot copy "${source.toString()}" into the container: ${errnoOf(thrown)} at "${harmless(name.toString())}"`, { cause: thrown });
  }
}

function putDirectory(directory: number, { name, source, file }: Entry, options: CopyInOptions): void {
  const made = unless("EEXIST", () => mkdirSync(joined(Buffer.from(`/proc/self/fd/${directory}`), name), 0o700) ?? true, false);
  withFile(openBelow(directory, name, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: RESOLVE.plain }), (fd) => {
    putEntries(fd, source, options);
    if (made) own(fd, options.give(file));
  });
}

function putEntries(directory: number, source: Buffer, options: CopyInOptions): void {
  for (const name of readdirSync(source, { encoding: "buffer" })) {
    const from = joined(source, name);
    put(directory, { name, source: from, file: lstatSync(from) }, options);
  }
}

/** A new file in place of what was there; a file that something is mounted on is written over. */
function freshFile(path: Buffer): number {
  try {
    unless("ENOENT", () => unlinkSync(path), undefined);
  } catch (thrown) {
    if (errnoOf(thrown) !== "EBUSY") throw thrown;
    return openSync(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK);
  }
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

function putLink(path: Buffer, source: Buffer, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  unless("ENOENT", () => unlinkSync(path), undefined);
  symlinkSync(readlinkSync(source, { encoding: "buffer" }), path);
  lchownSync(path, uid, gid);
}

function own(fd: number, { uid, gid, mode }: { readonly uid: number; readonly gid: number; readonly mode: number }): void {
  fchownSync(fd, uid, gid);
  fchmodSync(fd, mode); // after chown(2), which takes the set-id bits away
}

function copyBytes(from: number, to: number): void {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (let size = readSync(from, buffer); size > 0; size = readSync(from, buffer)) {
    for (let at = 0; at < size; ) at += writeSync(to, buffer, at, size - at);
  }
}

function withFile<T>(fd: number, action: (fd: number) => T): T {
  try {
    return action(fd);
  } finally {
    closeSync(fd);
  }
}

/** The last name of a path. Kind `usage` when it is none that a file can be made with. */
function nameIn(path: string): string {
  const name = basename(path);
  return ["", ".", ".."].includes(name) ? fail("usage", `Cannot copy "${path}": it must end with the name of a file or directory`) : name;
}

const joined = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, Buffer.from("/"), name]);
const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function kindOf(file: Stats): string {
  if (file.isSymbolicLink()) return "a symbolic link";
  if (file.isFIFO()) return "a named pipe";
  return file.isSocket() ? "a socket" : "a device";
}
