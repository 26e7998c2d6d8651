/** Layers: unpacked once by diff ID, visible only when complete, verified and on the disk. */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { syncDirectory } from "../base/files.ts";
import { digestLock, layerHome, layersDirectory, LONG, makeTemporary, takeLock } from "./layout.ts";
import type { ImportProgress } from "./storage.ts";
import { unpackTar, type Unpacked } from "./unpack.ts";
import { convertWhiteouts } from "./whiteouts.ts";

export interface LayerOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: ImportProgress) => void;
}

/**
 * Makes sure that the layer `diffId` is in the store, from its archive. Any number of processes may ask for the
 * same layer: one unpacks, the others wait and find it. Hold the store lock shared from before until an image that
 * reaches the layer is in the catalog. Kind `invalid` when the archive is not what the diff ID says.
 */
export async function ensureLayer(directory: string, layer: { readonly archive: string; readonly diffId: string }, options: LayerOptions = {}): Promise<Unpacked> {
  using _lock = await takeLock(digestLock(directory, layer.diffId), options);
  const present = readLayer(directory, layer.diffId);
  options.progress?.({ step: "layer", layer: layer.diffId, state: present === undefined ? "unpacking" : "present" });
  if (present !== undefined) return present;
  await using temporary = makeTemporary(directory);
  const unpacked = await unpack(layer.archive, temporary.path, options);
  if (unpacked.diffId !== layer.diffId) {
    fail("invalid", `Cannot unpack layer "${layer.diffId}": its archive has the digest ${unpacked.diffId}`);
  }
  publish(directory, unpacked, temporary.path);
  options.progress?.({ step: "layer", layer: layer.diffId, state: "done" });
  return unpacked;
}

/** Adds a layer whose diff ID is not known before it has been read: a root filesystem archive. Otherwise as `ensureLayer`. */
export async function addLayer(directory: string, archive: string, options: LayerOptions = {}): Promise<Unpacked> {
  await using temporary = makeTemporary(directory);
  const unpacked = await unpack(archive, temporary.path, options);
  publish(directory, unpacked, temporary.path);
  options.progress?.({ step: "layer", layer: unpacked.diffId, state: "done" });
  return unpacked;
}

/** The layer's record, or undefined when the store does not have it. */
export function readLayer(directory: string, diffId: string): Unpacked | undefined {
  const text = unless("ENOENT", () => readFileSync(`${layerHome(directory, diffId)}/layer.json`, "utf8"), undefined);
  if (text === undefined) return undefined;
  const record: unknown = JSON.parse(text);
  const size = typeof record === "object" && record !== null && "size" in record ? Number(record.size) : 0;
  return { diffId, size };
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
