/**
 * One image from anywhere into the store's layers: skopeo copies it into a temporary directory (its `dir:` transport:
 * one file per blob, there by rename when it is whole and its digest is right), and every layer is unpacked as soon as
 * it has come, while others are still on their way.
 */
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, truncateSync, watch } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { semaphore } from "../base/semaphore.ts";
import { limitsOf } from "./environment.ts";
import { parseImageConfig } from "./imageConfig.ts";
import { ensureLayer, type LayerOptions, presentLayer } from "./layers.ts";
import { blobLock, hexOf, makeTemporary, takeLock } from "./layout.ts";
import { digestOf, parseManifest } from "./manifest.ts";
import { meterDownloads } from "./meter.ts";
import { registryFlags, runSkopeo, type SkopeoOptions } from "./skopeo.ts";
import type { Blob, Layer, Store } from "./storage.ts";
import { isArchive } from "./unpack.ts";

export interface CopyOptions extends LayerOptions, SkopeoOptions {
  /** Layers that the source has, as far as they are known; told as progress. */
  readonly expected?: readonly Blob[];
  /** Blobs whose layers the store has, digest → size: they are not copied. */
  readonly present?: ReadonlyMap<string, number>;
  /** The caller holds the lock of every blob that comes. */
  readonly locked?: boolean;
  /** A layer is in the store. */
  readonly onLayer?: (blob: string) => void;
}

export interface Copied {
  /** As the source has it, byte for byte. */
  readonly manifest: string;
  /** The configuration blob, byte for byte. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly Layer[];
}

/** Layers of one image that are unpacked at the same time. */
const CONCURRENT = 3;

/**
 * Copies the image `source` (`docker://docker.io/library/nginx:1`, `oci-archive:/a.tar`) into the layers of the store.
 * Hold the store lock shared until the image is in the catalog. Kinds: `notFound` and `failed` with skopeo's reason,
 * `invalid` when it is no image, or layers and configuration do not belong together.
 */
export async function copyImage(store: Store, source: string, options: CopyOptions = {}): Promise<Copied> {
  await using temporary = makeTemporary(store.directory);
  const directory = `${temporary.path}/image`;
  mkdirSync(directory);
  const broken = new AbortController();
  const signal = AbortSignal.any([broken.signal, ...(options.signal ? [options.signal] : [])]);
  const limits = { ...limitsOf(options.environment ?? {}), ...options.limits };
  const { expected } = options;
  if (expected !== undefined) options.progress?.({ step: "layers", layers: expected.map(({ digest, size }) => ({ blob: digest, size, present: options.present?.has(digest) === true })) });
  const arrivals = new Arrivals(store, directory, { ...options, signal, limits, onFailure: (thrown) => broken.abort(thrown) });
  using _meter = options.progress === undefined ? undefined : meterDownloads(directory, { expected: (expected ?? []).filter(({ digest }) => options.present?.has(digest) !== true), progress: options.progress });
  try {
    await runSkopeo(["copy", "--quiet", ...registryFlags("src-", options), source, `dir:${directory}`], { ...options, signal, scratch: temporary.path });
    arrivals.look();
  } finally {
    await arrivals.end();
  }
  return await assemble(store, directory, { arrived: arrivals.layers, options: { ...options, signal, limits } });
}

interface ArrivalOptions extends CopyOptions {
  readonly onFailure: (thrown: unknown) => void;
}

/** The blobs that come into a directory, each unpacked once it is there. */
class Arrivals {
  /** By digest of the blob. */
  readonly layers = new Map<string, Layer>();
  readonly #store: Store;
  readonly #directory: string;
  readonly #options: ArrivalOptions;
  readonly #seen = new Set<string>();
  readonly #unpacking: Promise<void>[] = [];
  readonly #few = semaphore(CONCURRENT);
  readonly #watching = new AbortController();
  #placed = false;
  #failed = false;

  constructor(store: Store, directory: string, options: ArrivalOptions) {
    this.#store = store;
    this.#directory = directory;
    this.#options = options;
    watch(directory, { signal: this.#watching.signal }, (event) => event === "rename" && this.#lookSafely());
  }

  #lookSafely(): void {
    if (this.#watching.signal.aborted) return;
    try {
      this.look();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Takes in what has come since the last look. */
  look(): void {
    const names = readdirSync(this.#directory);
    if (!this.#placed && names.includes("version")) this.#place();
    for (const name of names) {
      if (!/^[0-9a-f]{64}$/.test(name) || this.#seen.has(name)) continue;
      this.#seen.add(name);
      if (isArchive(`${this.#directory}/${name}`)) this.#unpacking.push(this.#few.run(() => this.#unpack(name)));
    }
  }

  /**
   * Stand-ins for blobs that need not be copied: skopeo takes a file of the name for the blob. It empties the directory
   * when it begins, so they are placed after it has, marked by its file "version"; one that comes too late is copied
   * after all and does no harm.
   */
  #place(): void {
    this.#placed = true;
    for (const [digest, size] of this.#options.present ?? []) {
      const name = hexOf(digest);
      const fd = unless("EEXIST", () => openSync(`${this.#directory}/${name}`, "wx"), undefined);
      if (fd === undefined) continue;
      this.#seen.add(name);
      ftruncateSync(fd, size);
      closeSync(fd);
    }
  }

  async #unpack(name: string): Promise<void> {
    const archive = `${this.#directory}/${name}`;
    const blob: Blob = { digest: `sha256:${name}`, size: statSync(archive).size };
    if (this.#failed) return;
    try {
      using _lock = this.#options.locked === true ? undefined : await takeLock(blobLock(this.#store.directory, blob.digest), this.#options);
      const known = layerOf(this.#store, blob);
      if (known === undefined) this.layers.set(blob.digest, await ensureLayer(this.#store, { archive, blob }, this.#options));
      empty(archive, blob.size);
      this.#options.onLayer?.(blob.digest);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    if (!this.#failed) this.#options.onFailure(thrown);
    this.#failed = true;
  }

  /** Resolves when nothing is being unpacked any more. */
  async end(): Promise<void> {
    this.#watching.abort();
    await Promise.all(this.#unpacking);
  }
}

/** The layer of a blob, when the store has it; what is not compressed is called by its diff ID. */
export function layerOf(store: Store, { digest }: Blob): Layer | undefined {
  const known = store.catalog.layerOfBlob(digest)?.diffId ?? digest;
  return presentLayer(store, known);
}

/** Gives the space of an archive back and leaves its name: an image may have a layer twice. */
function empty(archive: string, size: number): void {
  truncateSync(archive, 0);
  truncateSync(archive, size);
}

/** The image from its manifest, which skopeo writes last, when the trust policy and all digests are satisfied. */
async function assemble(store: Store, directory: string, { arrived, options }: { readonly arrived: ReadonlyMap<string, Layer>; readonly options: CopyOptions }): Promise<Copied> {
  options.signal?.throwIfAborted();
  const manifest = readFileSync(`${directory}/manifest.json`, "utf8");
  const parsed = parseManifest(manifest);
  if (parsed.kind === "index") fail("invalid", "Cannot read the image: it is an index, it should be one image");
  const config = readFileSync(`${directory}/${hexOf(parsed.config.digest)}`, "utf8");
  if (digestOf(config) !== parsed.config.digest) fail("invalid", `Cannot read the image: its configuration has not the digest ${parsed.config.digest}`);
  const { diffIds } = parseImageConfig(config);
  diffIds.forEach(hexOf); // they become paths
  if (diffIds.length !== parsed.layers.length) {
    fail("invalid", `Cannot read the image: its configuration has ${diffIds.length} layers and its manifest ${parsed.layers.length}`);
  }
  const layers: Layer[] = [];
  for (const [index, blob] of parsed.layers.entries()) layers.push(await expectedLayer(store, blob, { diffId: diffIds[index] ?? "", arrived, directory, options }));
  return { manifest, config, layers };
}

interface Expected {
  readonly diffId: string;
  readonly arrived: ReadonlyMap<string, Layer>;
  readonly directory: string;
  readonly options: CopyOptions;
}

async function expectedLayer(store: Store, blob: Blob, { diffId, arrived, directory, options }: Expected): Promise<Layer> {
  const archive = `${directory}/${hexOf(blob.digest)}`;
  const known = arrived.get(blob.digest) ?? presentLayer(store, diffId);
  if (known === undefined && !existsSync(archive)) fail("failed", `Cannot read the image: its layer "${blob.digest}" has not come`, { context: { transient: true } });
  const layer = known ?? (await ensureLayer(store, { archive, blob }, options));
  if (layer.diffId !== diffId) fail("invalid", `Cannot unpack layer "${diffId}": its archive has the digest ${layer.diffId}`);
  if (arrived.has(blob.digest)) return layer;
  store.catalog.putLayer(layer, blob);
  options.progress?.({ step: "layer", blob: blob.digest, state: "present" });
  return layer;
}
