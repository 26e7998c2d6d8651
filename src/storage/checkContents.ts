/** Contents of a layer's files beside the digests that were recorded of them. */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { errnoOf, messageOf } from "../base/errors.ts";
import { contentOf, digestAt, openContent } from "./contents.ts";
import type { LayerFacts } from "./facts.ts";
import { layerFiles } from "./layout.ts";
import { printable } from "./names.ts";
import { readRecord } from "./record.ts";
import type { Content } from "./tarReader.ts";
import { type FoundEntry, type RecordedEntry, within } from "./tree.ts";
import { uncompressed } from "./unpack.ts";

/** Which contents are to be compared. */
export interface Doubt {
  about(recorded: RecordedEntry, found: FoundEntry): boolean;
  /** Paths of those that the split record has the digests of. */
  readonly later: Set<string>;
}

/** Whether an inode was changed after it was recorded: writing to a file changes its ctime, which nobody can set. */
export function changedSince(newest: string): Doubt["about"] {
  return (recorded, found) => found.ctime > newest || found.mtime !== recorded.mtime;
}

/** Whether a file of the tree has not the content that its listing says. */
export async function contentDiffers(tree: string, recorded: RecordedEntry): Promise<boolean> {
  return (await digestAt(within(tree, recorded.path))) !== recorded.digest;
}

/**
 * Compares the contents that the split record has the digests of: all, or those of the `paths`. With all of them the
 * record itself, or the archive that is kept in its place, is checked too: it must give the layer's digest.
 */
export async function* compareContents(home: string, facts: LayerFacts, { paths, signal }: { readonly paths: ReadonlySet<string> | "all"; readonly signal?: AbortSignal }): AsyncGenerator<string> {
  const kept = facts.archive === "kept";
  if (paths !== "all" && (kept || paths.size === 0)) return;
  const options = { paths, signal, hash: new Bun.CryptoHasher("sha256") };
  let sound = true;
  try {
    if (kept) await hashKept(home, options);
    else for await (const finding of recordedContents(home, options)) {
      sound = false;
      yield finding;
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!["EDAMAGED", "EINVALID", "ENOENT"].includes(errnoOf(thrown) ?? "")) throw thrown;
    yield `the record of its archive is damaged: ${messageOf(thrown)}`;
    return;
  }
  if (paths === "all" && sound && `sha256:${options.hash.digest("hex")}` !== facts.diffId) yield "the record of its archive is damaged: it gives another digest";
}

interface Hashing {
  readonly paths: ReadonlySet<string> | "all";
  readonly signal: AbortSignal | undefined;
  /** Gets the bytes of the archive. */
  readonly hash: Bun.CryptoHasher;
}

async function hashKept(home: string, { signal, hash }: Hashing): Promise<void> {
  for await (const piece of uncompressed(layerFiles(home).archive, { ...(signal && { signal }) })) hash.update(piece);
}

async function* recordedContents(home: string, { paths, signal, hash }: Hashing): AsyncGenerator<string> {
  const tree = openSync(layerFiles(home).tree, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for await (const item of readRecord(layerFiles(home).record)) {
      signal?.throwIfAborted();
      if (item.kind === "literal") hash.update(item.bytes);
      else if ((paths === "all" || paths.has(item.path)) && (await differs(tree, item, hash))) yield `${printable(item.path)} has other content`;
    }
  } finally {
    closeSync(tree);
  }
}

/** False also for what is no file of this size any more: the listing tells. */
async function differs(tree: number, { path, size, digest }: Content, hash: Bun.CryptoHasher): Promise<boolean> {
  const fd = openContent(tree, path);
  if (fd === undefined) return false;
  try {
    if (fstatSync(fd).size !== size) return false;
    const content = new Bun.CryptoHasher("sha256");
    for await (const piece of contentOf(fd)) {
      content.update(piece);
      hash.update(piece);
    }
    return !content.digest().equals(digest);
  } finally {
    closeSync(fd);
  }
}
