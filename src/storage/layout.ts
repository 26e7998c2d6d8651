/**
 * Where an image store keeps what, below its directory (change this picture with the code):
 *
 *     layers/<hex of the diff ID>/diff/       the tree of one layer, complete and synced: it came here by rename
 *     layers/<hex of the diff ID>/layer.json  what `layers.ts` knows of it
 *     layers/<hex of the diff ID>/tree.zst    what the tree was when it had been unpacked (`tree.ts`)
 *     layers/<hex of the diff ID>/record.zst  the archive without what is in the tree (`record.ts`); or
 *     layers/<hex of the diff ID>/archive     the archive as it came, when it is unusual
 *     layers/<hex of the diff ID>/whiteouts   the tree hides by files, which only fuse-overlayfs understands (`whiteouts.ts`)
 *     layers/<hex of the diff ID>/damaged     what a check has found wrong with it; then it is not used any more
 *     l/<first digits of the hex>             short links to `diff`, because mount options must fit one page
 *     configs/<hex of the image id>.json      image configurations, byte for byte
 *     tmp/<uuid>/                             half-made and half-removed things
 *     locks/store                             shared: something is being added; exclusive: something is being removed
 *     locks/<hex>                             exclusive: this layer is being unpacked, or this image recorded
 *     locks/blob-<hex>                        exclusive: this blob or manifest is being fetched; taken before the former
 *
 * While the store lock is held exclusively, everything in `tmp` is a leftover.
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { fail, unless } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { ensureDirectory, removeTree } from "../base/files.ts";
import { acquire, type Lock } from "../base/locks.ts";

export const layersDirectory = (directory: string): string => `${directory}/layers`;
export const layerHome = (directory: string, diffId: string): string => `${directory}/layers/${hexOf(diffId)}`;
/** The files in a layer's directory. */
export const layerFiles = (home: string) => ({
  tree: `${home}/diff`, facts: `${home}/layer.json`, listing: `${home}/tree.zst`, record: `${home}/record.zst`, archive: `${home}/archive`,
  damage: `${home}/damaged`, whiteouts: `${home}/whiteouts`,
});
export const linksDirectory = (directory: string): string => `${directory}/l`;
export const configsDirectory = (directory: string): string => `${directory}/configs`;
export const configFile = (directory: string, id: string): string => `${directory}/configs/${hexOf(id)}.json`;
export const temporaryDirectory = (directory: string): string => `${directory}/tmp`;
export const storeLock = (directory: string): string => `${directory}/locks/store`;
export const digestLock = (directory: string, digest: string): string => `${directory}/locks/${hexOf(digest)}`;
export const blobLock = (directory: string, digest: string): string => `${directory}/locks/blob-${hexOf(digest)}`;

/** Longest time that unpacking, copying, syncing or waiting for another process to do so may take, in milliseconds. */
export const LONG = 3_600_000;

/** The 64 digits of a `sha256:…` digest. Digests come from images: this check is what keeps them from being paths. */
export function hexOf(digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  return match?.[1] ?? fail("invalid", `Cannot use "${digest}" as a digest: it must be sha256: and 64 hexadecimal digits`);
}

/**
 * The directory of a layer, by a name as short as can be: what `mountRootfs` takes. The link is made when it is first
 * asked for; a name that another layer has taken is made longer. Kind `notFound` when the store does not have the layer,
 * `failed`, code `EDAMAGED`, when a check has found it damaged.
 */
export function layerDirectory(directory: string, diffId: string): string {
  const hex = hexOf(diffId);
  if (!existsSync(layerHome(directory, diffId))) {
    fail("notFound", `Cannot use layer "${diffId}": it is not in the store`, { hint: "import the image again" });
  }
  if (existsSync(layerFiles(layerHome(directory, diffId)).damage)) {
    fail("failed", `Cannot use layer "${diffId}": it is damaged`, { code: "EDAMAGED", hint: "pull or import the image again" });
  }
  ensureDirectory(linksDirectory(directory));
  const target = `../layers/${hex}/diff`;
  for (let digits = 6; digits <= hex.length; digits += 1) {
    const link = `${linksDirectory(directory)}/${hex.slice(0, digits)}`;
    unless("EEXIST", () => symlinkSync(target, link), undefined);
    if (readlinkSync(link) === target) return link;
  }
  fail("failed", `Cannot link layer "${diffId}": all its names are taken`);
}

/** The directory that all layers are in, as links to them are. */
export function commonDirectory(layers: readonly string[]): string | undefined {
  const [first, ...others] = new Set(layers.map((layer) => dirname(layer)));
  return others.length === 0 ? first : undefined;
}

/** Whether a layer, by the name that `layerDirectory` gives, hides by files, which the kernel's overlay would show. */
export const isHiddenByFiles = (layer: string): boolean => existsSync(layerFiles(`${layer}/..`).whiteouts);

/** A new empty directory for half-made things, removed with everything in it when disposed of. Hold the store lock shared. */
export function makeTemporary(directory: string): AsyncDisposable & { readonly path: string } {
  const path = `${temporaryDirectory(directory)}/${crypto.randomUUID()}`;
  ensureDirectory(temporaryDirectory(directory));
  ensureDirectory(layersDirectory(directory)); // so that it is on the disk before anything is renamed into it
  mkdirSync(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}

/** Takes a lock without blocking the event loop: `flock(1)` waits in our place, then it is tried again. */
export async function takeLock(path: string, options: { readonly shared?: boolean; readonly signal?: AbortSignal } = {}): Promise<Lock> {
  const shared = options.shared === true;
  for (;;) {
    options.signal?.throwIfAborted();
    const lock = acquire(path, { wait: false, shared });
    if (lock !== undefined) return lock;
    await exec(["flock", shared ? "--shared" : "--exclusive", path, "true"], { timeout: LONG, ...(options.signal && { signal: options.signal }) });
  }
}

/** Names in a directory, none when it does not exist. */
export function namesIn(directory: string): readonly string[] {
  return unless("ENOENT", () => readdirSync(directory), []);
}

/** Removes what crashes left in `tmp`. Returns false, having done nothing, while another process adds to or removes from the store. */
export async function recoverStorage(directory: string): Promise<boolean> {
  using lock = acquire(storeLock(directory), { wait: false });
  if (lock !== undefined) await sweepTemporary(directory);
  return lock !== undefined;
}

/** Empties `tmp`, and forgets the locks of digests. Only with the store lock held exclusively. */
export async function sweepTemporary(directory: string): Promise<void> {
  for (const name of namesIn(temporaryDirectory(directory))) await removeTree(`${temporaryDirectory(directory)}/${name}`);
  for (const name of namesIn(`${directory}/locks`)) if (name !== "store") rmSync(`${directory}/locks/${name}`);
}
