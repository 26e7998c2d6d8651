/** The real `ImageDriver`. */
import { fail } from "../base/errors.ts";
import { collectGarbage, importImage, type Store } from "../storage/mod.ts";
import type { Collected, ImageDriver } from "./imageDriver.ts";

export const imageDriver: ImageDriver = {
  pull: async (_, reference) => fail("unsupported", `Cannot pull "${reference}": this wherry takes images from files only`),
  load: async (store, source, options) => [await importImage(store, source, options)],
  writeLayer: async (_, diffId) => fail("unsupported", `Cannot pack layer "${diffId}": this wherry keeps unpacked layers only`),
  check: async (store) => fail("unsupported", `Cannot check "${store.directory}": this wherry has no record of what layers should be`),
  collect,
};

async function collect(store: Store): Promise<readonly Collected[] | undefined> {
  const sizes = new Map(store.catalog.layers().map((layer) => [layer.diffId, layer.size]));
  const removed = await collectGarbage(store);
  return removed?.map((diffId) => ({ diffId, size: sizes.get(diffId) ?? 0 }));
}
