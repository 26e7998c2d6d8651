/**
 * One image from anywhere into the store's layers: skopeo copies it into a temporary directory (its `dir:` transport:
 * one file per blob, there by rename when it is whole and its digest is right), and layers are unpacked while they come.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { type ArrivalOptions, Arrivals } from "./arrivals.ts";
import { limitsOf } from "./environment.ts";
import { parseImageConfig } from "./imageConfig.ts";
import { ensureLayer, presentLayer } from "./layers.ts";
import { hexOf, makeTemporary } from "./layout.ts";
import { digestOf, parseManifest } from "./manifest.ts";
import { meterDownloads } from "./meter.ts";
import { registryFlags, runSkopeo, type SkopeoOptions } from "./skopeo.ts";
import type { Blob, Layer, Store } from "./storage.ts";

export interface CopyOptions extends ArrivalOptions, SkopeoOptions {
  /** Layers that the source has, as far as they are known; told as progress. */
  readonly expected?: readonly Blob[];
}

export interface Copied {
  /** As the source has it, byte for byte. */
  readonly manifest: string;
  /** The configuration blob, byte for byte. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly Layer[];
}

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
