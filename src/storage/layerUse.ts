/** Which mounted root filesystems stand on which layers. */
import { readFileSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { unless } from "../base/errors.ts";
import { fuseOverlaysIn } from "./fuseOverlay.ts";
import { hexOf, layersDirectory, linksDirectory } from "./layout.ts";
import { overlaysIn } from "./mounts.ts";

/**
 * Mount points of the overlays of this mount namespace that have the layer's tree below them. Names that are relative
 * are those of the store's links: another store with the same layer counts, too.
 */
export function usersOfLayer(directory: string, diffId: string): readonly string[] {
  return layersInUse(directory).get(hexOf(diffId)) ?? [];
}

/** The same of all layers of a store that are in use, by the hex of their diff IDs. */
export function layersInUse(directory: string): ReadonlyMap<string, readonly string[]> {
  const layers = realOrNone(layersDirectory(directory));
  const users = new Map<string, string[]>();
  if (layers === undefined) return users;
  const known = new Map<string, string | undefined>();
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  for (const { target, lower } of [...overlaysIn(mounts), ...fuseOverlaysIn(mounts)]) {
    for (const name of lower) {
      if (!known.has(name)) known.set(name, layerAt(layers, realOrNone(resolve(linksDirectory(directory), name))));
      const hex = known.get(name);
      if (hex !== undefined) users.set(hex, [...(users.get(hex) ?? []), target]);
    }
  }
  return users;
}

/** The hex of the layer whose tree a path is. */
function layerAt(layers: string, tree: string | undefined): string | undefined {
  if (tree === undefined || !tree.startsWith(`${layers}/`)) return undefined;
  return /^([0-9a-f]{64})\/diff$/.exec(tree.slice(layers.length + 1))?.[1];
}

function realOrNone(path: string): string | undefined {
  return unless("ENOENT", () => unless("ENOTDIR", () => realpathSync(path), undefined), undefined);
}
