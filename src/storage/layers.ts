/** Layers: unpacked once by diff ID, visible only when complete, verified and on the disk. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { syncDirectory } from "../base/files.ts";
import { digestLock, layerHome, layersDirectory, LONG, makeTemporary, takeLock } from "./layout.ts";
import type { Blob, Layer, Store, StoreProgress, UnpackLimits } from "./storage.ts";
import { unpackTar, type Unpacked } from "./unpack.ts";
import { convertWhiteouts } from "./whiteouts.ts";

export interface LayerOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: StoreProgress) => void;
  readonly limits?: Partial<UnpackLimits>;
}

export interface LayerSource {
  /** Path of the layer's archive, whose bytes have been checked against the blob's digest where it has one. */
  readonly archive: string;
  /** What its diff ID should be, when that is known. */
  readonly diffId?: string;
  /** The archive as its image calls it; remembered with the layer. */
  readonly blob?: Blob;
}

/**
 * Makes sure that a layer is in the store, from its archive. Any number of processes may ask for the same layer: with a
 * known diff ID one unpacks and the others wait and find it; without, the first to be ready stays. Hold the store lock
 * shared from before until an image that reaches the layer is in the catalog. Kind `invalid` when the archive is not
 * what the diff ID says.
 */
export async function ensureLayer(store: Store, source: LayerSource, options: LayerOptions = {}): Promise<Layer> {
  const { archive, diffId, blob } = source;
  using _lock = diffId === undefined ? undefined : await takeLock(digestLock(store.directory, diffId), options);
  const present = diffId === undefined ? undefined : presentLayer(store, diffId);
  if (present !== undefined) return recorded(store, present, { ...source, state: "present", options });
  options.progress?.({ step: "unpack", blob: blob?.digest ?? diffId ?? archive, bytes: 0 });
  await using temporary = makeTemporary(store.directory);
  const unpacked = await unpack(archive, temporary.path, options);
  if (diffId !== undefined && unpacked.diffId !== diffId) {
    fail("invalid", `Cannot unpack layer "${diffId}": its archive has the digest ${unpacked.diffId}`);
  }
  publish(store.directory, unpacked, temporary.path);
  const layer: Layer = { diffId: unpacked.diffId, size: unpacked.size, entries: 0, unpackedAt: Date.now(), damage: "" };
  return recorded(store, layer, { ...(blob && { blob }), state: "done", options });
}

/** The layer, when the store has it and nothing is wrong with it: its tree came to its place by rename, so it is whole. */
export function presentLayer(store: Store, diffId: string): Layer | undefined {
  const known = store.catalog.layer(diffId);
  if (known !== undefined && known.damage !== "") return undefined;
  const there = known === undefined ? readRecord(store.directory, diffId) : known;
  return there !== undefined && existsSync(`${layerHome(store.directory, diffId)}/layer.json`) ? there : undefined;
}

function recorded(store: Store, layer: Layer, { blob, state, options }: { readonly blob?: Blob; readonly state: "present" | "done"; readonly options: LayerOptions }): Layer {
  store.catalog.putLayer(layer, blob);
  options.progress?.({ step: "layer", blob: blob?.digest ?? layer.diffId, state });
  return layer;
}

/** What a layer's own directory says of it: a crash may have come between the rename and the catalog. */
function readRecord(directory: string, diffId: string): Layer | undefined {
  const text = unless("ENOENT", () => readFileSync(`${layerHome(directory, diffId)}/layer.json`, "utf8"), undefined);
  if (text === undefined) return undefined;
  const record: unknown = JSON.parse(text);
  const size = typeof record === "object" && record !== null && "size" in record ? Number(record.size) : 0;
  return { diffId, size, entries: 0, unpackedAt: Date.now(), damage: "" };
}

async function unpack(archive: string, directory: string, options: LayerOptions): Promise<Unpacked> {
  const tree = `${directory}/diff`;
  mkdirSync(tree);
  chmodSync(tree, 0o755); // until the archive has an entry for it
  const unpacked = await unpackTar(archive, tree, options);
  await convertWhiteouts(tree, `${directory}/whiteouts`);
  writeFileSync(`${directory}/layer.json`, JSON.stringify(unpacked));
  await exec(["sync", "--file-system", directory], { timeout: LONG });
  return unpacked;
}

/** When another process was first, its layer stays. */
function publish(directory: string, unpacked: Unpacked, made: string): void {
  try {
    renameSync(made, layerHome(directory, unpacked.diffId));
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOTEMPTY" && errnoOf(thrown) !== "EEXIST") throw thrown;
  }
  syncDirectory(layersDirectory(directory));
}
