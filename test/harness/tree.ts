/**
 * A tree, entry by entry, as one line of JSON each: everything about an entry that an image says. Run by itself it prints
 * the tree below the directory it is given, for who is in another room.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { createHash } from "node:crypto";
import { type BigIntStats, constants, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Entry {
  /** Of a byte each character. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "char" | "block" | "fifo" | "socket";
  readonly mode: string;
  readonly owner: string;
  /** Nanoseconds since the epoch. */
  readonly mtime: string;
  readonly size?: number;
  /** SHA-256 of the content. */
  readonly content?: string;
  readonly target?: string;
  /** The first path, in order, of the same file. */
  readonly linkOf?: string;
  readonly device?: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<number, Entry["type"]>> = {
  [constants.S_IFREG]: "file", [constants.S_IFDIR]: "directory", [constants.S_IFLNK]: "symlink", [constants.S_IFCHR]: "char",
  [constants.S_IFBLK]: "block", [constants.S_IFIFO]: "fifo", [constants.S_IFSOCK]: "socket",
};

const { cstring, pointer, u64, i64 } = FFIType;
const libc = dlopen("libc.so.6", {
  llistxattr: { args: [cstring, pointer, u64], returns: i64 },
  lgetxattr: { args: [cstring, cstring, pointer, u64], returns: i64 },
}).symbols;

const SLASH = Buffer.from("/");

/** All entries below a directory, and the directory itself as ".", by name. */
export function treeOf(directory: string): readonly Entry[] {
  const first = new Map<string, string>();
  return namesBelow(Buffer.from(directory), Buffer.from(".")).map((path) => entryAt(Buffer.concat([Buffer.from(directory), SLASH, path]), path.toString("latin1"), first));
}

/** Names are bytes: those of a file may be no UTF-8. */
function namesBelow(root: Buffer, path: Buffer): readonly Buffer[] {
  const directory = Buffer.concat([root, SLASH, path]);
  if (!lstatSync(directory).isDirectory()) return [path];
  const children = readdirSync(directory, { encoding: "buffer" }).map((name) => Buffer.from(name)).toSorted(Buffer.compare);
  return [path, ...children.flatMap((name) => namesBelow(root, Buffer.concat([path, SLASH, name])))];
}

function entryAt(file: Buffer, path: string, first: Map<string, string>): Entry {
  const stat = lstatSync(file, { bigint: true });
  const type = TYPES[Number(stat.mode) & constants.S_IFMT];
  if (type === undefined) throw new Error(`"${path}" is of no type that is known`);
  const common = { path, type, mode: (Number(stat.mode) & 0o7777).toString(8), owner: `${stat.uid}:${stat.gid}`, mtime: String(stat.mtimeNs), xattrs: xattrsOf(file) };
  const linkOf = type === "directory" || stat.nlink < 2n ? undefined : firstPath(first, `${stat.dev}:${stat.ino}`, path);
  return { ...common, ...detail(file, type, stat), ...(linkOf === undefined ? {} : { linkOf }) };
}

function firstPath(first: Map<string, string>, inode: string, path: string): string | undefined {
  const known = first.get(inode);
  if (known === undefined) first.set(inode, path);
  return known;
}

function detail(file: Buffer, type: Entry["type"], stat: BigIntStats): Partial<Entry> {
  if (type === "file") return { size: Number(stat.size), content: createHash("sha256").update(readFileSync(file)).digest("hex") };
  if (type === "symlink") return { target: readlinkSync(file, "buffer").toString("latin1") };
  return type === "char" || type === "block" ? { device: String(stat.rdev) } : {};
}

function xattrsOf(file: Buffer): Readonly<Record<string, string>> {
  const path = Buffer.concat([file, Buffer.alloc(1)]);
  const names = Buffer.alloc(65_536);
  const length = Number(libc.llistxattr(path, ptr(names), BigInt(names.length)));
  if (length < 0) throw new Error(`Cannot list the attributes of "${file.toString()}"`);
  const list = names.subarray(0, length).toString("latin1").split("\0").filter((name) => name !== "");
  return Object.fromEntries(list.toSorted().map((name) => {
    const value = Buffer.alloc(65_536);
    const size = Number(libc.lgetxattr(path, Buffer.from(`${name}\0`), ptr(value), BigInt(value.length)));
    return [name, value.subarray(0, Math.max(size, 0)).toString("hex")];
  }));
}

if (import.meta.main) for (const entry of treeOf(process.argv[2] ?? ".")) console.log(JSON.stringify(entry));
