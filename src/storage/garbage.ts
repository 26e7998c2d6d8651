/** What a store has and no image reaches. */
import { existsSync, readlinkSync } from "node:fs";
import { unless } from "../base/errors.ts";
import { layersInUse } from "./layerUse.ts";
import { configsDirectory, hexOf, layersDirectory, linksDirectory, namesIn } from "./layout.ts";
import type { Store } from "./storage.ts";

export interface Garbage {
  /** Names in `layers`. */
  readonly layers: readonly string[];
  /** Names in `l`: links to layers that are garbage or missing. */
  readonly links: readonly string[];
  /** Names in `configs`. */
  readonly configs: readonly string[];
  /** diff IDs of rows: of garbage, and of directories that are missing and not reached either. */
  readonly rows: readonly string[];
}

/**
 * Compares the catalog with the directory. Layers that a mounted root filesystem stands on are no garbage either. Hold
 * the store lock exclusively, so that nothing is on its way to an image.
 */
export function findGarbage(store: Store): Garbage {
  const { directory, catalog } = store;
  const images = catalog.images();
  const reached = new Set([...images.flatMap((image) => image.layers).map(hexOf), ...layersInUse(directory).keys()]);
  const configs = new Set(images.map((image) => `${hexOf(image.id)}.json`));
  return {
    layers: namesIn(layersDirectory(directory)).filter((name) => !reached.has(name)),
    links: namesIn(linksDirectory(directory)).filter((name) => !leads(`${linksDirectory(directory)}/${name}`, reached)),
    configs: namesIn(configsDirectory(directory)).filter((name) => !configs.has(name)),
    rows: catalog.layers().map((layer) => layer.diffId).filter((diffId) => !reached.has(hexOf(diffId))),
  };
}

function leads(link: string, reached: ReadonlySet<string>): boolean {
  const target = unless("EINVAL", () => readlinkSync(link), ""); // no link at all
  return reached.has(target.split("/")[2] ?? "") && existsSync(link);
}
