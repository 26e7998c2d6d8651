/** The real `ImageDriver`. */
import { fail } from "../base/errors.ts";
import { collectGarbage, loadImages, pullImage, type Store } from "../storage/mod.ts";
import type { Collected, ImageDriver } from "./imageDriver.ts";

export const imageDriver: ImageDriver = {
  pull: (store, reference, { authFile, environment, ...options }) =>
    pullImage(store, reference, { ...options, environment: { ...environment, ...(authFile === undefined ? {} : { REGISTRY_AUTH_FILE: authFile }) } }),
  load: loadImages,
  writeLayer: async (_, diffId) => fail("unsupported", `Cannot pack layer "${diffId}": this wherry keeps unpacked layers only`),
  check: async (store) => fail("unsupported", `Cannot check "${store.directory}": this wherry has no record of what layers should be`),
  collect,
};

async function collect(store: Store): Promise<readonly Collected[] | undefined> {
  const sizes = new Map(store.catalog.layers().map((layer) => [layer.diffId, layer.size]));
  const removed = await collectGarbage(store);
  return removed?.map((diffId) => ({ diffId, size: sizes.get(diffId) ?? 0 }));
}
