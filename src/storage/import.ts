/** Images from files: root filesystem archives, and OCI and Docker archives through skopeo. */
import { readFileSync, statSync, symlinkSync } from "node:fs";
import { resolve } from "node:path";
import { fail } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { ensureDirectory, writeAtomically } from "../base/files.ts";
import { semaphore } from "../base/semaphore.ts";
import type { ImageConfig } from "../spec/spec.ts";
import { identify, namesInArchive, type SourceKind } from "./archives.ts";
import { EMPTY_CONFIG, parseImageConfig, parseJson, record, string, strings, writeImageConfig } from "./imageConfig.ts";
import { ensureLayer, type LayerOptions } from "./layers.ts";
import { configFile, configsDirectory, digestLock, hexOf, LONG, makeTemporary, recoverStorage, storeLock, takeLock } from "./layout.ts";
import { formatReference, localReference } from "./references.ts";
import type { Image, Store } from "./storage.ts";
import { decompress, isCompressed } from "./unpack.ts";

export interface ImportOptions extends LayerOptions {
  /** Name of the image; a short one is of this host (`hello` is `localhost/hello:latest`). Without it the archive's own names are taken. */
  readonly name?: string;
  /** For a root filesystem archive, which has no configuration of its own. */
  readonly config?: Partial<ImageConfig>;
}

/** Layers of one image that are unpacked at the same time. */
const CONCURRENT = 3;

/**
 * Adds the image in `source` (a path) to the store and its catalog. The kind of the source is told by its content.
 * Repeating it, also after a crash at any point, gives the same image. Kinds: `notFound`, `invalid` (not an image, or a
 * hostile one), `failed` (interrupted, disk full, or skopeo's own sentence, also when `policy.json` refuses the image).
 */
export async function importImage(store: Store, source: string, options: ImportOptions = {}): Promise<Image> {
  try {
    return await importSource(store, source, options);
  } catch (cause) {
    if (options.signal?.aborted === true) fail("failed", `Cannot import "${source}": it was interrupted`, { cause });
    throw cause;
  }
}

async function importSource(store: Store, source: string, options: ImportOptions): Promise<Image> {
  const names = options.name === undefined ? undefined : [formatReference(localReference(options.name))];
  const kind = await identify(source, options);
  await recoverStorage(store.directory);
  using _lock = await takeLock(storeLock(store.directory), { shared: true, ...(options.signal && { signal: options.signal }) });
  if (kind === "rootfs") return await importRootfs(store, source, { ...options, names: names ?? [] });
  if (options.config !== undefined) {
    fail("usage", `Cannot import "${source}" with another configuration: it is an image, only a root filesystem archive takes one`);
  }
  return await importArchive(store, source, { ...options, kind, names: names ?? (await namesInArchive(source, kind)) });
}

async function importRootfs(store: Store, source: string, options: ImportOptions & { readonly names: readonly string[] }): Promise<Image> {
  const layer = await ensureLayer(store, { archive: source }, options);
  // The time of the file, not of the import: the same file is the same image
  const created = Math.floor(statSync(source).mtimeMs);
  const text = writeImageConfig({ ...EMPTY_CONFIG, ...options.config }, { diffId: layer.diffId, created });
  return recordImage(store, text, { names: options.names, size: layer.size });
}

type ArchiveOptions = ImportOptions & { readonly kind: Exclude<SourceKind, "rootfs">; readonly names: readonly string[] };

async function importArchive(store: Store, source: string, options: ArchiveOptions): Promise<Image> {
  options.progress?.({ step: "read", source });
  await using temporary = makeTemporary(store.directory);
  const directory = await copyOut(source, temporary.path, options);
  const { config, layers } = readManifest(directory);
  const { diffIds } = parseImageConfig(config);
  if (diffIds.length !== layers.length) {
    fail("invalid", `Cannot import "${source}": its configuration has ${diffIds.length} layers and its manifest ${layers.length}`);
  }
  const archives = new Map(diffIds.map((diffId, index) => [diffId, `${directory}/${hexOf(layers[index] ?? "")}`]));
  const size = await ensureLayers(store, archives, options);
  return await recordImage(store, config, { names: options.names, size });
}

/** Makes sure of all layers, diff ID → archive, and returns their size. When one fails the others have ended, too. */
async function ensureLayers(store: Store, archives: ReadonlyMap<string, string>, options: LayerOptions): Promise<number> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const few = semaphore(CONCURRENT);
  const sizes = [...archives].map(([diffId, archive]) => few.run(async () => {
    try {
      return (await ensureLayer(store, { archive, diffId, blob: { digest: diffId, size: 0 } }, { ...options, signal })).size;
    } catch (thrown) {
      failed.abort(thrown); // the first one counts
      return 0;
    }
  }));
  const size = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
  failed.signal.throwIfAborted();
  return size;
}

/** Lets skopeo take an archive apart, check its digests and the user's trust policy. Returns a directory in skopeo's `dir:` form. */
async function copyOut(source: string, scratch: string, options: ArchiveOptions): Promise<string> {
  const from = `${scratch}/source`; // a path of ours, because a colon in the user's would be read as the end of the path
  if (options.kind !== "oci" && isCompressed(source)) await decompress(source, from, options); // skopeo 1.9 fails on some gzip
  else symlinkSync(resolve(source), from);
  const to = `${scratch}/image`;
  const argv = ["skopeo", "--tmpdir", scratch, "copy", "--quiet", `${options.kind}:${from}`, `dir:${to}`];
  await exec(argv, { timeout: LONG, ...(options.signal && { signal: options.signal }) });
  return to;
}

/** OCI image manifest, or Docker schema 2, which has the same fields. */
function readManifest(directory: string): { readonly config: string; readonly layers: readonly string[] } {
  const manifest = record(parseJson(readFileSync(`${directory}/manifest.json`, "utf8")), "the manifest");
  const config = string(record(manifest["config"], "config")["digest"], "config.digest");
  const layers: unknown = manifest["layers"];
  if (!Array.isArray(layers)) fail("invalid", "Cannot read the image: its manifest has no layers");
  const digests = strings(layers.map((layer: unknown) => record(layer, "a layer")["digest"]), "a layer's digest");
  return { config: readFileSync(`${directory}/${hexOf(config)}`, "utf8"), layers: digests };
}

/** Records an image whose layers are in the store. An image that is there already keeps its names and gets the new ones. */
async function recordImage(store: Store, text: string, from: { readonly names: readonly string[]; readonly size: number }): Promise<Image> {
  const { config, diffIds, created } = parseImageConfig(text);
  const id = `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
  using _lock = await takeLock(digestLock(store.directory, id));
  ensureDirectory(configsDirectory(store.directory));
  writeAtomically(configFile(store.directory, id), text);
  const known = store.catalog.images().find((image) => image.id === id);
  const names = [...new Set([...(known?.names ?? []), ...from.names])];
  const image: Image = { id, names, digests: known?.digests ?? [], layers: diffIds, config, size: from.size, created, importedAt: known?.importedAt ?? Date.now() };
  store.catalog.put(image);
  return image;
}
