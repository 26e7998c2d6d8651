/** Which mounted root filesystems stand on a layer. */
import { readFileSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { unless } from "../base/errors.ts";
import { layerFiles, layerHome, linksDirectory } from "./layout.ts";
import { overlaysIn } from "./mounts.ts";

/**
 * Mount points of the overlays of this mount namespace that have the layer's tree below them. Names that are relative
 * are those of the store's links: another store with the same layer counts, too.
 */
export function usersOfLayer(directory: string, diffId: string): readonly string[] {
  const tree = realOrNone(layerFiles(layerHome(directory, diffId)).tree);
  if (tree === undefined) return [];
  const links = linksDirectory(directory);
  const known = new Map<string, boolean>();
  const leads = (lower: string): boolean => {
    const there = known.get(lower) ?? realOrNone(resolve(links, lower)) === tree;
    known.set(lower, there);
    return there;
  };
  return overlaysIn(readFileSync("/proc/self/mountinfo", "utf8")).filter(({ lower }) => lower.some(leads)).map(({ target }) => target);
}

const realOrNone = (path: string): string | undefined => unless("ENOENT", () => realpathSync(path), undefined);
