/** The real `ImageDriver`. */
import { checkStore, collectGarbage, loadImages, pullImage, writeLayerArchive } from "../storage/mod.ts";
import { findingsOf } from "./findings.ts";
import type { ImageDriver } from "./imageDriver.ts";

export const imageDriver: ImageDriver = {
  pull: (store, reference, { authFile, environment, ...options }) =>
    pullImage(store, reference, { ...options, environment: { ...environment, ...(authFile === undefined ? {} : { REGISTRY_AUTH_FILE: authFile }) } }),
  load: loadImages,
  writeLayer: writeLayerArchive,
  check: async (store, options) => findingsOf(await checkStore(store, options)),
  collect: collectGarbage,
};
