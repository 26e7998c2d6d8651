/** Files of the host for a pod with a user namespace of its own: seen with the ids that they have, as ids of the pod. */
import { mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { bindIdmapped } from "../base/idmap.ts";
import { ensureDirectory } from "../base/files.ts";
import { namesIn } from "./layout.ts";
import { forbiddenAt } from "./mounts.ts";
import { release } from "./subPath.ts";

/** A file or directory of the host, mounted anew until disposed of: until the OCI runtime has created the container. */
export interface Idmapped extends Disposable {
  /** What the OCI runtime binds into the container. */
  readonly source: string;
  /** Mount options that must stay: who is not root on the host cannot lift them. */
  readonly options: readonly string[];
}

export interface IdmapRequest {
  /** As of `openSubPath`: only `removePodVolumes` may remove what is around it. */
  readonly at: string;
  /** File of the user namespace. */
  readonly users: string;
  readonly recursive: boolean;
}

/** Mounts `source` at `at` with its ids mapped (`bindIdmapped`). */
export function openIdmapped(source: string, { at, users, recursive }: IdmapRequest): Idmapped {
  release(at);
  ensureDirectory(dirname(at));
  try {
    if (statSync(source).isDirectory()) mkdirSync(at);
    else writeFileSync(at, "");
    bindIdmapped(source, at, { users, recursive });
  } catch (thrown) {
    release(at);
    throw thrown;
  }
  return { source: at, options: optionsAt(at), [Symbol.dispose]: () => release(at) };
}

/** What a mount forbids, by its mount point. */
export const optionsAt = (point: string): readonly string[] => forbiddenAt(readFileSync("/proc/self/mountinfo", "utf8"), realpathSync(point));

/** The ids of an overlay: its layers are mounted below `at` meanwhile, as `openIdmapped` does it. */
export interface OverlayUsers {
  readonly users: string;
  readonly at: string;
}

export interface MappedLayers extends Disposable {
  /** Below `at`, under the names that they have in the store's links: by these it is known which layers are in use. */
  readonly layers: readonly string[];
}

/** Mounts layers, all links of one directory, for an overlay, which keeps what it needs of them when they are let go again. */
export function openLayers(layers: readonly string[], { users, at }: OverlayUsers): MappedLayers {
  const open: Idmapped[] = [];
  const dispose = (): void => {
    for (const each of open) each[Symbol.dispose]();
    release(at);
  };
  for (const name of namesIn(at)) release(`${at}/${name}`); // left by a crash
  try {
    for (const layer of layers) open.push(openIdmapped(layer, { at: `${at}/${basename(layer)}`, users, recursive: false }));
  } catch (thrown) {
    dispose();
    throw thrown;
  }
  return { layers: layers.map((layer) => `${at}/${basename(layer)}`), [Symbol.dispose]: dispose };
}
