/** Images that nothing needs, removed. */
import type { Image, Store } from "./storage.ts";

export interface PruneOptions {
  /** Also images that have names. */
  readonly all: boolean;
  /** Image id → who uses it. Asked again before each removal: a pod may have come meanwhile. */
  readonly users: () => ReadonlyMap<string, readonly string[]>;
}

/** Whether an image may go when there is no room: nobody calls it by a name, or `all`; and nobody uses it. */
export function isPrunable(image: Image, options: Pick<PruneOptions, "all" | "users">): boolean {
  return (options.all || image.names.length === 0) && !options.users().has(image.id);
}

/** Forgets the images that may go; their layers are garbage from then on. Returns what was forgotten. */
export function pruneImages(store: Store, options: PruneOptions): readonly Image[] {
  return store.catalog.images().filter(({ id }) => {
    const image = store.catalog.find(id); // as it is now: it may have got a name meanwhile
    const goes = image !== undefined && isPrunable(image, options);
    if (goes) store.catalog.remove(id);
    return goes;
  });
}
