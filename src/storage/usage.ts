/** How much room images and layers take, and what of it could be given back. Pure. */
import type { Image, Layer } from "./storage.ts";

export interface Share {
  readonly total: number;
  /** Those that a pod needs. */
  readonly active: number;
  /** Bytes of the uncompressed layers. */
  readonly size: number;
  /** Bytes that no pod needs. */
  readonly reclaimable: number;
}

export interface ImageUsage {
  readonly image: Image;
  /** Bytes of layers that another image has, too. */
  readonly shared: number;
  readonly unique: number;
  readonly users: readonly string[];
}

export interface Usage {
  readonly images: Share;
  readonly layers: Share;
  readonly each: readonly ImageUsage[];
}

/** The usage of these images and layers. `users`: image id → who uses it. A layer that no image reaches counts as a layer only. */
export function imageUsage(images: readonly Image[], layers: readonly Layer[], users: ReadonlyMap<string, readonly string[]>): Usage {
  const sizes = new Map(layers.map((layer) => [layer.diffId, layer.size]));
  const bytes = (diffIds: Iterable<string>): number => [...new Set(diffIds)].reduce((sum, diffId) => sum + (sizes.get(diffId) ?? 0), 0);
  const used = images.filter(({ id }) => users.has(id));
  const needed = new Set(used.flatMap((image) => image.layers));
  const reached = new Set(images.flatMap((image) => image.layers));
  const times = Map.groupBy(images.flatMap((image) => [...new Set(image.layers)]), (diffId) => diffId);
  const each = images.map((image): ImageUsage => {
    const shared = bytes(image.layers.filter((diffId) => (times.get(diffId)?.length ?? 0) > 1));
    return { image, shared, unique: bytes(image.layers) - shared, users: users.get(image.id) ?? [] };
  });
  return {
    images: { total: images.length, active: used.length, size: bytes(reached), reclaimable: bytes(reached) - bytes(needed) },
    layers: { total: layers.length, active: layers.filter(({ diffId }) => needed.has(diffId)).length, size: bytes(sizes.keys()), reclaimable: bytes(sizes.keys()) - bytes(needed) },
    each,
  };
}
