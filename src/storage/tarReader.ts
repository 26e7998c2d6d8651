/**
 * Reads along while an archive goes to `bsdtar`: counts its entries, hashes the contents of its files, and tells bytes
 * that are content of a file apart from all others. It decides nothing about what is unpacked. Where it cannot be sure
 * to see what `bsdtar` sees, it says so (`exact`) and counts cautiously.
 */
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import { fail } from "../base/errors.ts";
import type { UnpackLimits } from "./storage.ts";

/** Content of a file in an archive that can be found in the unpacked tree. */
export interface Content {
  /** From the root of the layer, without a leading slash; UTF-8. */
  readonly path: string;
  readonly size: number;
  /** SHA-256 */
  readonly digest: Uint8Array;
}

export interface TarListener {
  /** Bytes of the archive that are not told by `content`. Valid until it returns. */
  literal(bytes: Uint8Array): void;
  content(content: Content): void;
}

export interface TarSummary {
  readonly size: number;
  readonly entries: number;
  /** The structure was understood to the end. */
  readonly exact: boolean;
  /** Some entry has extended attributes. */
  readonly attributes: boolean;
  /** `nameSum` of all entries that are no directories. */
  readonly names: bigint;
  /** Modification times, in nanoseconds, of directories that were there when their entry came: `bsdtar` leaves them with other ones. */
  readonly late: ReadonlyMap<string, bigint>;
  /** Device nodes: how many, and `nameSum` of them. */
  readonly devices: { readonly count: number; readonly names: bigint };
}

/** A sum over names: equal for equal collections of names in any order. */
export const nameSum = (sum: bigint, name: string): bigint => BigInt.asUintN(64, sum + BigInt(Bun.hash(name)));

/** What extended headers say of the next entry. */
interface Extended {
  readonly path?: string;
  readonly size?: number;
  readonly mtime?: bigint;
}

const BLOCK = 512;
/** libarchive takes no longer extended headers either. */
const LONGEST = 1 << 20;

type State =
  | { readonly at: "header" } // a block has begun
  | { readonly at: "extended"; readonly type: string; readonly parts: Buffer[]; left: number; readonly padding: number }
  | { readonly at: "content"; readonly path: string; readonly size: number; readonly hash: Bun.CryptoHasher; left: number }
  | { readonly at: "literal"; left: number }
  | { readonly at: "lost" } // blocks whose meaning is not known
  | { readonly at: "trailer" }; // behind the end mark

const HEADER: State = { at: "header" };
const LOST: State = { at: "lost" };
const NOBODY: TarListener = { literal: () => undefined, content: () => undefined };
/** Types that have no content. A hard link with content is read differently by different programs. */
const EMPTY = new Set(["Link", "SymbolicLink", "CharacterDevice", "BlockDevice", "Directory", "FIFO"]);
const FILES = new Set(["File", "OldFile", "ContiguousFile"]);
const EXTENDED = new Set(["ExtendedHeader", "GlobalExtendedHeader", "NextFileHasLongPath", "NextFileHasLongLinkpath"]);

export class TarReader {
  readonly #limits: UnpackLimits;
  #listener: TarListener;
  #state: State = HEADER;
  /** What begins after an entry. */
  #next: State = HEADER;
  #extended: Extended = {};
  #block = Buffer.alloc(0);
  #size = 0;
  #entries = 0;
  #exact = true;
  #attributes = false;
  #names = 0n;
  #devices = { count: 0, names: 0n };
  readonly #late = new Map<string, bigint>();
  /** Directories that are there, by an entry or because something was put into them. */
  readonly #directories = new Set([""]);
  /** The last one that something was put into. */
  #parent = "";

  constructor(listener: TarListener, limits: UnpackLimits) {
    this.#listener = listener;
    this.#limits = limits;
  }

  /** Takes the next bytes of the archive. Kind `invalid`, code `EBOMB`, when a limit is passed. */
  push(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#limits.bytes) tooMuch(`${this.#limits.bytes} bytes`, "WHERRY_MAX_LAYER_BYTES");
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    while (rest.length > 0) rest = rest.subarray(this.#step(rest));
  }

  /** What was seen. Call it when all bytes have been pushed. */
  end(): TarSummary {
    if (this.#block.length > 0) this.#listener.literal(this.#block);
    return { size: this.#size, entries: this.#entries, exact: this.#exact, attributes: this.#attributes, names: this.#names, late: this.#late, devices: this.#devices };
  }

  /** Returns how many bytes of `rest` it has dealt with. */
  #step(rest: Buffer): number {
    const state = this.#state;
    if (state.at === "header" || state.at === "lost") return this.#gather(rest);
    if (state.at === "trailer") {
      this.#listener.literal(rest);
      return rest.length;
    }
    const part = rest.subarray(0, state.left);
    state.left -= part.length;
    if (state.at === "content") state.hash.update(part);
    else this.#listener.literal(part);
    if (state.at === "extended") state.parts.push(Buffer.from(part));
    if (state.left === 0) this.#finish(state);
    return part.length;
  }

  #gather(rest: Buffer): number {
    const taken = Math.min(rest.length, BLOCK - this.#block.length);
    const part = rest.subarray(0, taken);
    const block = this.#block.length === 0 ? part : Buffer.concat([this.#block, part]);
    this.#block = block.length < BLOCK ? Buffer.from(block) : Buffer.alloc(0);
    if (block.length === BLOCK) this.#interpret(block);
    return taken;
  }

  #finish(state: Exclude<State, { readonly at: "header" | "lost" | "trailer" }>): void {
    if (state.at === "content") this.#listener.content({ path: state.path, size: state.size, digest: state.hash.digest() });
    if (state.at === "extended") this.#extend(state.type, Buffer.concat(state.parts).toString());
    const padding = state.at === "extended" ? state.padding : state.at === "content" ? paddingOf(state.size) : 0;
    this.#state = padding > 0 ? { at: "literal", left: padding } : this.#next;
  }

  #interpret(block: Buffer): void {
    this.#listener.literal(block);
    if (this.#state.at === "lost") return this.#countCautiously(block);
    if (block.every((byte) => byte === 0)) {
      this.#state = { at: "trailer" };
      return;
    }
    const header = decode(block);
    if (header === undefined) this.#lose();
    else if (EXTENDED.has(header.type)) this.#beginExtended(header.type, header.size ?? 0);
    else this.#beginEntry(header, block);
  }

  #beginExtended(type: string, size: number): void {
    if (size > LONGEST) return this.#lose();
    if (size > 0) this.#state = { at: "extended", type, parts: [], left: size, padding: paddingOf(size) };
  }

  #extend(type: string, text: string): void {
    if (type === "NextFileHasLongPath") this.#extended = { ...this.#extended, path: text.replace(/\0[^]*$/, "") };
    if (type === "NextFileHasLongPath" || type === "NextFileHasLongLinkpath") return;
    if (text.includes("xattr")) this.#attributes = true;
    // Of the words that move or rename content, only `path` and `size` are known here
    if (type === "GlobalExtendedHeader" ? /path=|size=/.test(text) : /GNU\.sparse|SCHILY\.realsize/.test(text)) this.#lose();
    if (type === "GlobalExtendedHeader") return;
    const { path, size } = Pax.parse(text);
    const mtime = mtimeIn(text);
    this.#extended = { ...this.#extended, ...(path !== undefined && { path }), ...(size !== undefined && { size }), ...(mtime !== undefined && { mtime }) };
  }

  #beginEntry(header: Header, block: Buffer): void {
    this.#count();
    const path = normal(this.#extended.path ?? header.path ?? "");
    const size = this.#extended.size ?? header.size ?? 0;
    const mtime = this.#extended.mtime ?? BigInt(header.mtime?.getTime() || 0) * 1_000_000n; // `NaN` for what is no date
    this.#extended = {};
    if (!understood(header, { block, size })) return this.#lose();
    this.#enter(path);
    if (header.type === "Directory") return this.#directory(path, mtime);
    this.#names = nameSum(this.#names, path);
    if (header.type.endsWith("Device")) this.#devices = { count: this.#devices.count + 1, names: nameSum(this.#devices.names, path) };
    if (EMPTY.has(header.type) || size === 0) return;
    this.#state = findable(path)
      ? { at: "content", path, size, left: size, hash: new Bun.CryptoHasher("sha256") }
      : { at: "literal", left: size + paddingOf(size) };
  }

  /** What an entry is put into is there from then on. */
  #enter(path: string): void {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent === this.#parent) return;
    this.#parent = parent;
    for (let each = parent; !this.#directories.has(each); each = each.slice(0, Math.max(0, each.lastIndexOf("/")))) this.#directories.add(each);
  }

  #directory(path: string, mtime: bigint): void {
    if (this.#directories.has(path)) this.#late.set(path, mtime);
    this.#directories.add(path);
  }

  /** From here on contents and headers cannot be told apart. */
  #lose(): void {
    this.#exact = false;
    this.#attributes = true;
    this.#listener = NOBODY;
    this.#next = LOST;
    this.#state = LOST;
  }

  /** Whatever might be a header counts as one. */
  #countCautiously(block: Buffer): void {
    if (/^[ \0]*[0-7]|^[\x80-\xff]/.test(block.toString("latin1", 148, 156))) this.#count();
  }

  #count(): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) tooMuch(`${this.#limits.entries} entries`, "WHERRY_MAX_LAYER_ENTRIES");
  }
}

function tooMuch(limit: string, variable: string): never {
  fail("invalid", `Cannot unpack the layer: it has more than ${limit}, which is the limit`, { code: "EBOMB", hint: `set ${variable} to allow more` });
}

const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** The library knows milliseconds only. */
function mtimeIn(text: string): bigint | undefined {
  const [, sign = "", seconds, fraction = ""] = /(?:^|\n)\d+ mtime=(-?)(\d{1,15})(?:\.(\d+))?\n/.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const time = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
  return sign === "" ? time : -time;
}

function decode(block: Buffer): Header | undefined {
  try {
    const header = new Header(block);
    return header.cksumValid && header.size !== undefined ? header : undefined;
  } catch {
    return undefined; // a number that is none, or too big for one
  }
}

/** Whether content follows exactly as the header says, for every program. */
function understood(header: Header, { block, size }: { readonly block: Buffer; readonly size: number }): boolean {
  if (FILES.has(header.type)) return Number.isSafeInteger(size);
  if (!EMPTY.has(header.type)) return false;
  if (header.type !== "Directory") return size === 0;
  // The library makes a directory of a file whose name ends with a slash, and forgets its size
  return block[156] === "5".charCodeAt(0);
}

/** A name as it is found in the tree. */
function normal(path: string): string {
  return /^[^./]|^\.[^./]/.test(path) && !/\/[./]|\/$/.test(path) ? path : path.split("/").filter((part) => part !== "" && part !== ".").join("/");
}

/** Whiteouts are not in the tree, and a name that is not UTF-8 is not known here. */
const findable = (path: string): boolean => !path.includes("\uFFFD") && !/(^|\/)\.wh\./.test(path);
