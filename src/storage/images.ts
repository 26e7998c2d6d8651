/** Images in the store: found by name, removed, and what no image reaches collected. */
import { renameSync, unlinkSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { acquire } from "../base/locks.ts";
import { diskUsage } from "./diskUsage.ts";
import { findGarbage } from "./garbage.ts";
import { configsDirectory, layersDirectory, linksDirectory, storeLock, sweepTemporary, temporaryDirectory } from "./layout.ts";
import { candidates } from "./references.ts";
import type { Image, ImageCatalog, Store } from "./storage.ts";

/** All images, newest import first. */
export function listImages(catalog: ImageCatalog): readonly Image[] {
  return [...catalog.images()].sort((a, b) => b.importedAt - a.importedAt);
}

/**
 * The image that a user or a manifest calls `reference`: by name in the order of `candidates`, then by id or unique
 * prefix of it. Kind `invalid` when it is not a reference.
 */
export function findImage(catalog: ImageCatalog, reference: string): Image | undefined {
  for (const name of candidates(reference)) {
    const image = catalog.find(name);
    if (image !== undefined) return image;
  }
  return /^[0-9a-f]{6,64}$/.test(reference) ? catalog.find(reference) : undefined;
}

export interface Removed {
  /** Names that were taken away. */
  readonly untagged: readonly string[];
  /** The image's id, when it is gone and not just one of its names. */
  readonly removed?: string;
}

/**
 * Removes an image, or only the name it was called by when it has others. `users`: image id → who uses it, as words
 * for people (`pod "default/web"`). Kinds `notFound`, and `conflict` while it is used.
 */
export async function removeImage(store: Store, reference: string, users: ReadonlyMap<string, readonly string[]>): Promise<Removed> {
  const image = findImage(store.catalog, reference) ?? fail("notFound", `Cannot remove image "${reference}": it is not in the store`);
  const name = candidates(reference).find((candidate) => image.names.includes(candidate));
  if (name !== undefined && image.names.length > 1) {
    store.catalog.untag(name);
    return { untagged: [name] };
  }
  const by = users.get(image.id) ?? [];
  if (by.length > 0) fail("conflict", `Cannot remove image "${reference}": it is used by ${by.join(", ")}`, { context: { users: by } });
  store.catalog.remove(image.id);
  await collectGarbage(store);
  return { untagged: image.names, removed: image.id };
}

export interface Collected {
  /** Layers that are gone, with the bytes that they took on the disk. */
  readonly layers: readonly { readonly diffId: string; readonly bytes: number }[];
  /** Bytes given back on the disk, those of what crashes left included. */
  readonly bytes: number;
}

/**
 * Removes layers, links and configurations that no image of the catalog reaches, and what crashes left. Returns
 * undefined, having done nothing, while another process adds to the store: a later collection finds the same garbage.
 * It goes out of the catalog first, then out of sight, then off the disk; after a crash the next one goes on.
 */
export async function collectGarbage(store: Store): Promise<Collected | undefined> {
  using lock = acquire(storeLock(store.directory), { wait: false });
  if (lock === undefined) return undefined;
  const garbage = findGarbage(store);
  for (const diffId of garbage.rows) store.catalog.removeLayer(diffId);
  const hidden = hide(store.directory, garbage.layers);
  for (const name of garbage.links) unlinkSync(`${linksDirectory(store.directory)}/${name}`);
  for (const name of garbage.configs) unlinkSync(`${configsDirectory(store.directory)}/${name}`);
  const sizes = await diskUsage(temporaryDirectory(store.directory));
  await sweepTemporary(store.directory);
  const layers = [...hidden].map(([name, hex]) => ({ diffId: `sha256:${hex}`, bytes: sizes.get(name) ?? 0 }));
  return { layers, bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

/** Renames layers into `tmp`; returns their names there. */
function hide(directory: string, layers: readonly string[]): ReadonlyMap<string, string> {
  ensureDirectory(temporaryDirectory(directory));
  return new Map(layers.map((hex) => {
    const name = crypto.randomUUID();
    renameSync(`${layersDirectory(directory)}/${hex}`, `${temporaryDirectory(directory)}/${name}`);
    return [name, hex];
  }));
}
