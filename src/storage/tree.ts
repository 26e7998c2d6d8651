/**
 * What a tree is made of, one line for each entry, sorted by path, so that two states of it are compared by reading
 * along. Paths and link targets are bytes; everything else is ASCII:
 *
 *     path "//" type mode uid gid size mtime device digest attributes link
 *
 * with one space between fields and `-` where a field does not apply. A path never has two slashes in a row.
 */
import { createReadStream, lstatSync, readFileSync, rmSync, statSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { zeroTerminated } from "./frames.ts";
import { LONG } from "./layout.ts";
import { attributesOf } from "./syscalls.ts";

/** One entry of a tree. */
export interface TreeEntry {
  /** From the root of the tree, which itself is the empty path. */
  readonly path: Buffer;
  /** As `find` prints it: `f`, `d`, `l`, `c`, `b`, `p`, `s`. */
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** Bytes of a file, `-` for others. */
  readonly size: string;
  readonly mtime: string;
  /** Target of a symbolic link. */
  readonly link: Buffer;
}

/** As it is on the disk now. */
export interface FoundEntry extends TreeEntry {
  readonly ctime: string;
}

const SEPARATOR = Buffer.from("//");
const FORMAT = "%P//%y %m %U:%G %s %T@ %C@ %l\\0";

/** Bytes of a listing that is sorted here, for what starting a program would cost. */
const SMALL = 1 << 20;

function linesOf(text: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0, end = text.indexOf(0); end >= 0; start = end + 1, end = text.indexOf(0, start)) lines.push(text.subarray(start, end));
  return lines;
}

/** Lists `tree`, sorted. `list` names a scratch file that is made and removed. */
export async function* entriesOf(tree: string, list: string): AsyncGenerator<readonly FoundEntry[]> {
  try {
    await exec(["find", tree, "-fprintf", list, FORMAT], { timeout: LONG });
    if (statSync(list).size <= SMALL) {
      yield linesOf(readFileSync(list)).toSorted(Buffer.compare).map(parseFound);
      return;
    }
    const directory = list.slice(0, list.lastIndexOf("/"));
    await exec(["sort", "-z", "-T", directory, "-o", list, list], { timeout: LONG, env: { LC_ALL: "C" } });
    for await (const lines of zeroTerminated(createReadStream(list, { highWaterMark: 1 << 20 }))) yield lines.map(parseFound);
  } finally {
    rmSync(list, { force: true });
  }
}

function parseFound(line: Buffer): FoundEntry {
  const { path, fields: [type = "", mode = "", owner = "", size = "", mtime = "", ctime = ""], last } = split(line, 6);
  return { path, type, mode, owner, size: type === "f" ? size : "-", mtime, ctime, link: last };
}

/** Takes a line apart: its path, so many fields, and the rest. */
function split(line: Buffer, count: number): { readonly path: Buffer; readonly fields: readonly string[]; readonly last: Buffer } {
  const end = line.indexOf(SEPARATOR);
  let start = end + SEPARATOR.length;
  const fields: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const space = line.indexOf(0x20, start);
    fields.push(line.toString("latin1", start, space));
    start = space + 1;
  }
  return { path: line.subarray(0, end), fields, last: line.subarray(start) };
}

/** As it was recorded when the layer was unpacked. */
export interface RecordedEntry extends TreeEntry {
  readonly device: string;
  /** SHA-256 of the content, where the split record does not have it; else `-`. */
  readonly digest: string;
  readonly attributes: string;
}

/** The line of an entry, zero-terminated. */
export function formatEntry(entry: RecordedEntry): Buffer {
  const { path, type, mode, owner, size, mtime, device, digest, attributes, link } = entry;
  return Buffer.concat([path, Buffer.from(`//${type} ${mode} ${owner} ${size} ${mtime} ${device} ${digest} ${attributes} `), link, Buffer.alloc(1)]);
}

/** The entry of a line without its zero. */
export function parseEntry(line: Buffer): RecordedEntry {
  const { path, fields: [type = "", mode = "", owner = "", size = "", mtime = "", device = "", digest = "", attributes = ""], last } = split(line, 8);
  return { path, type, mode, owner, size, mtime, device, digest, attributes, link: last };
}

/** Order of entries in a listing, negative when `a` comes first. */
export function byPath(a: TreeEntry, b: TreeEntry): number {
  return Buffer.compare(Buffer.concat([a.path, SEPARATOR]), Buffer.concat([b.path, SEPARATOR]));
}

/** Path of an entry on the host. */
export const within = (tree: string, path: Buffer): Buffer => Buffer.concat([Buffer.from(`${tree}/`), path]);

/** `major:minor` of a device, `-` for other entries. */
export function deviceOf(tree: string, entry: TreeEntry): string {
  return entry.type === "c" || entry.type === "b" ? String(lstatSync(within(tree, entry.path)).rdev) : "-";
}

/** The extended attributes of an entry, `-` when it has none. What the host's security module adds is not the layer's. */
export function attributesAt(tree: string, entry: TreeEntry): string {
  const all = attributesOf(within(tree, entry.path)).filter(([name]) => name !== "security.selinux");
  return all.length === 0 ? "-" : all.map(([name, value]) => `${encodeURIComponent(name)}=${value.toString("hex")}`).toSorted().join(",");
}
