/** Images in the store: found by name, removed, and what no image reaches collected. */
import { readlinkSync, renameSync, unlinkSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { acquire } from "../base/locks.ts";
import { configsDirectory, hexOf, layersDirectory, linksDirectory, namesIn, storeLock, sweepTemporary, temporaryDirectory } from "./layout.ts";
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

/**
 * Removes layers, links and configurations that no image of the catalog reaches, and what crashes left. Returns the
 * diff IDs of the removed layers, or undefined, having done nothing, while another process adds to the store: a later
 * collection finds the same garbage.
 */
export async function collectGarbage(store: Store): Promise<readonly string[] | undefined> {
  using lock = acquire(storeLock(store.directory), { wait: false });
  if (lock === undefined) return undefined;
  const images = store.catalog.images();
  const reached = new Set(images.flatMap((image) => image.layers).map(hexOf));
  const garbage = namesIn(layersDirectory(store.directory)).filter((name) => !reached.has(name));
  ensureDirectory(temporaryDirectory(store.directory));
  for (const name of garbage) renameSync(`${layersDirectory(store.directory)}/${name}`, `${temporaryDirectory(store.directory)}/${crypto.randomUUID()}`);
  sweepLinks(store, reached);
  sweepConfigs(store, new Set(images.map((image) => `${hexOf(image.id)}.json`)));
  await sweepTemporary(store.directory);
  return garbage.map((name) => `sha256:${name}`);
}

function sweepLinks(store: Store, reached: ReadonlySet<string>): void {
  for (const name of namesIn(linksDirectory(store.directory))) {
    const link = `${linksDirectory(store.directory)}/${name}`;
    if (!reached.has(readlinkSync(link).split("/")[2] ?? "")) unlinkSync(link);
  }
}

function sweepConfigs(store: Store, reached: ReadonlySet<string>): void {
  for (const name of namesIn(configsDirectory(store.directory))) {
    if (!reached.has(name)) unlinkSync(`${configsDirectory(store.directory)}/${name}`);
  }
}
