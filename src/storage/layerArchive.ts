/** The archive of a layer, byte for byte as it was unpacked, from what the store keeps of it. */
import { closeSync, constants, fstatSync, openSync, rmSync, writeSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { contentOf, openContent } from "./contents.ts";
import { readFacts } from "./facts.ts";
import { layerFiles, layerHome } from "./layout.ts";
import { printable } from "./names.ts";
import { readRecord } from "./record.ts";
import type { Store } from "./storage.ts";
import type { Content } from "./tarReader.ts";
import { uncompressed } from "./unpack.ts";

/**
 * Writes the uncompressed archive of a layer to a new file. Kinds `notFound`; `failed` when the layer has been changed,
 * with the name of the file that was, or was unpacked by a version that did not record its archive. Then there is no file.
 */
export async function writeLayerArchive(store: Store, diffId: string, path: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
  const pieces = layerArchive(store.directory, diffId, options); // checks nothing before it is asked for bytes
  const fd = openSync(path, "wx", 0o644);
  try {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const piece of pieces) {
      options.signal?.throwIfAborted();
      hash.update(piece);
      for (let start = 0; start < piece.length; ) start += writeSync(fd, piece, start);
    }
    const digest = `sha256:${hash.digest("hex")}`;
    if (digest !== diffId) fail("failed", `Cannot make the archive of layer "${diffId}": what its record gives has the digest ${digest}`, { code: "EDAMAGED" });
  } catch (thrown) {
    rmSync(path, { force: true });
    throw thrown;
  } finally {
    closeSync(fd);
  }
}

/** The uncompressed archive of a layer, in pieces that are valid until the next is asked for. Its digest is not checked here. */
export async function* layerArchive(directory: string, diffId: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
  const home = layerHome(directory, diffId);
  const facts = readFacts(home) ?? fail("notFound", `Cannot make the archive of layer "${diffId}": it is not in the store`);
  if (facts.archive === "kept") return yield* uncompressed(layerFiles(home).archive, options);
  if (facts.archive === undefined) {
    fail("failed", `Cannot make the archive of layer "${diffId}": the layer was unpacked by a version that did not record its archive: pull or import it again`);
  }
  const tree = openSync(layerFiles(home).tree, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for await (const item of readRecord(layerFiles(home).record)) {
      if (item.kind === "literal") yield item.bytes;
      else yield* content(tree, item, diffId);
    }
  } finally {
    closeSync(tree);
  }
}

/** The content of one file, which must be what the record says. */
async function* content(tree: number, { path, size, digest }: Content, diffId: string): AsyncGenerator<Buffer> {
  const changed = (how: string): never =>
    fail("failed", `Cannot make the archive of layer "${diffId}": its file ${printable(path)} ${how}`, { code: "EDAMAGED" });
  const fd = openContent(tree, path) ?? changed("is missing");
  try {
    if (fstatSync(fd).size !== size) changed("has another size");
    const hash = new Bun.CryptoHasher("sha256");
    for await (const piece of contentOf(fd)) {
      hash.update(piece);
      yield piece;
    }
    if (!hash.digest().equals(digest)) changed("has other content");
  } finally {
    closeSync(fd);
  }
}
