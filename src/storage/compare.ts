/** A tree as it is, beside what was recorded of it: sentences for everything that differs. */
import { contentDiffers, type Doubt } from "./checkContents.ts";
import { readFrames, zeroTerminated } from "./frames.ts";
import { layerFiles } from "./layout.ts";
import { printable } from "./names.ts";
import { attributesAt, byPath, deviceOf, entriesOf, type FoundEntry, parseEntry, type RecordedEntry } from "./tree.ts";

const TYPES: Readonly<Record<string, string>> = {
  f: "a file", d: "a directory", l: "a symbolic link", c: "a character device", b: "a block device", p: "a fifo", s: "a socket",
};

/** One place where two listings are at the same path, or one of them has none. */
interface Pair {
  readonly recorded?: RecordedEntry;
  readonly found?: FoundEntry;
}

/**
 * Compares the tree of the layer in `home` with its listing. `list` names a scratch file. Contents that are to be
 * compared and are in the split record are added to `doubt`.
 */
export async function* compareTree(home: string, list: string, doubt: Doubt): AsyncGenerator<string> {
  const { tree, listing } = layerFiles(home);
  for await (const { recorded, found } of pairs(recordedEntries(listing), flat(entriesOf(tree, list)))) {
    if (found === undefined) yield `${named(recorded)} is missing`;
    else if (recorded === undefined) yield `${named(found)} is additional`;
    else yield* differences(tree, { recorded, found }, doubt);
  }
}

const named = (entry: RecordedEntry | FoundEntry | undefined): string => printable(entry?.path.toString() || "/");

async function* differences(tree: string, { recorded, found }: Required<Pair>, doubt: Doubt): AsyncGenerator<string> {
  const name = named(recorded);
  if (recorded.type !== found.type) {
    yield `${name} is ${TYPES[found.type] ?? "something else"}, it was ${TYPES[recorded.type] ?? "something else"}`;
    return;
  }
  const facts = { mode: found.mode, owner: found.owner, size: found.size, mtime: found.mtime, device: deviceOf(tree, found) };
  const words = { mode: "mode", owner: "owner", size: "size", mtime: "modification time", device: "device number" };
  for (const key of ["mode", "owner", "size", "mtime", "device"] as const) {
    if (facts[key] !== recorded[key]) yield `${name} has ${words[key]} ${facts[key]}, it had ${recorded[key]}`;
  }
  if (!found.link.equals(recorded.link)) yield `${name} leads to ${printable(found.link.toString())}, it led to ${printable(recorded.link.toString())}`;
  if (attributesAt(tree, found) !== recorded.attributes) yield `${name} has other extended attributes`;
  if (found.type !== "f" || found.size !== recorded.size || !doubt.about(recorded, found)) return;
  if (recorded.digest === "-") doubt.later.add(recorded.path.toString());
  else if (await contentDiffers(tree, recorded)) yield `${name} has other content`;
}

async function* recordedEntries(listing: string): AsyncGenerator<RecordedEntry> {
  for await (const lines of zeroTerminated(readFrames(listing))) yield* lines.map(parseEntry);
}

async function* flat<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch;
}

/** Reads two sorted listings along. */
async function* pairs(recorded: AsyncGenerator<RecordedEntry>, found: AsyncGenerator<FoundEntry>): AsyncGenerator<Pair> {
  try {
    let [a, b] = await Promise.all([recorded.next(), found.next()]);
    while (a.done !== true || b.done !== true) {
      const order = a.done === true ? 1 : b.done === true ? -1 : byPath(a.value, b.value);
      yield { ...(order <= 0 && a.done !== true && { recorded: a.value }), ...(order >= 0 && b.done !== true && { found: b.value }) };
      if (order <= 0) a = await recorded.next();
      if (order >= 0) b = await found.next();
    }
  } finally {
    await Promise.all([recorded.return(undefined), found.return(undefined)]);
  }
}
