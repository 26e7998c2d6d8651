/** Stand-ins for the tests of other folders. */
import type { Image, ImageCatalog } from "./storage.ts";

/** An `ImageCatalog` in memory. */
export function fakeCatalog(images: readonly Image[] = []): ImageCatalog {
  const byId = new Map(images.map((image) => [image.id, image]));
  const without = (names: readonly string[]): void => {
    for (const image of byId.values()) byId.set(image.id, { ...image, names: image.names.filter((name) => !names.includes(name)) });
  };
  return {
    images: () => [...byId.values()],
    find(reference) {
      const all = [...byId.values()];
      const named = all.find((image) => image.id === reference || image.names.includes(reference));
      const prefix = reference.replace(/^sha256:/, "");
      const matches = /^[0-9a-f]{6,64}$/.test(prefix) ? all.filter((image) => image.id.startsWith(`sha256:${prefix}`)) : [];
      return named ?? (matches.length === 1 ? matches[0] : undefined);
    },
    put(image) {
      without(image.names);
      byId.set(image.id, image);
    },
    untag: (name) => without([name]),
    remove: (id) => void byId.delete(id),
  };
}
