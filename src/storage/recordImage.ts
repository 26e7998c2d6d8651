/** Recording an image whose layers are in the store. */
import { ensureDirectory, writeAtomically } from "../base/files.ts";
import { parseImageConfig } from "./imageConfig.ts";
import { configFile, configsDirectory, digestLock, takeLock } from "./layout.ts";
import { digestOf } from "./manifest.ts";
import type { Image, Layer, Store } from "./storage.ts";

export interface Recording {
  /** The configuration blob, byte for byte. */
  readonly config: string;
  readonly layers: readonly Layer[];
  readonly names: readonly string[];
  readonly digests?: readonly string[];
}

/** Puts an image into the catalog; one that is there already keeps its names and gets the new ones. The caller holds the store lock shared since before its layers were there. */
export async function recordImage(store: Store, { config: text, layers, names, digests = [] }: Recording): Promise<Image> {
  const { config, created } = parseImageConfig(text);
  const id = digestOf(text);
  using _lock = await takeLock(digestLock(store.directory, id));
  ensureDirectory(configsDirectory(store.directory));
  writeAtomically(configFile(store.directory, id), text);
  const known = store.catalog.find(id);
  const image: Image = {
    id,
    names: [...new Set([...(known?.names ?? []), ...names])],
    digests: [...new Set([...(known?.digests ?? []), ...digests])],
    layers: layers.map(({ diffId }) => diffId),
    config,
    size: layers.reduce((sum, { size }) => sum + size, 0),
    created,
    importedAt: known?.importedAt ?? Date.now(),
  };
  store.catalog.put(image);
  return image;
}
