/** Stand-ins for the tests of other folders. */
import type { Blob, Image, ImageCatalog, Layer } from "./storage.ts";

/** An `ImageCatalog` in memory. */
export function fakeCatalog(images: readonly Image[] = []): ImageCatalog {
  const byId = new Map(images.map((image) => [image.id, image]));
  const layers = new Map<string, Layer>();
  const blobs = new Map<string, Blob & { readonly layer: string }>();
  const without = (names: readonly string[]): void => {
    const kept = (all: readonly string[]): readonly string[] => all.filter((name) => !names.includes(name));
    for (const image of byId.values()) byId.set(image.id, { ...image, names: kept(image.names), digests: kept(image.digests) });
  };
  return {
    images: () => [...byId.values()],
    find(reference) {
      const all = [...byId.values()];
      const named = all.find((image) => image.id === reference || [...image.names, ...image.digests].includes(reference));
      const prefix = reference.replace(/^sha256:/, "");
      const matches = /^[0-9a-f]{6,64}$/.test(prefix) ? all.filter((image) => image.id.startsWith(`sha256:${prefix}`)) : [];
      return named ?? (matches.length === 1 ? matches[0] : undefined);
    },
    put(image) {
      without([...image.names, ...image.digests]);
      byId.set(image.id, image);
    },
    untag: (name) => without([name]),
    remove: (id) => void byId.delete(id),
    layers: () => [...layers.values()],
    layer: (diffId) => layers.get(diffId),
    layerOfBlob: (digest) => layers.get(blobs.get(digest)?.layer ?? ""),
    putLayer(layer, blob) {
      layers.set(layer.diffId, layer);
      if (blob !== undefined) blobs.set(blob.digest, { ...blob, layer: layer.diffId });
    },
    removeLayer(diffId) {
      layers.delete(diffId);
      for (const { digest, layer } of blobs.values()) if (layer === diffId) blobs.delete(digest);
    },
  };
}
