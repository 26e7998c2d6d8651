/** Images written by tests, in any form a registry may hold, as OCI layouts (image-spec image-layout.md). */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { digestOf } from "../../src/storage/fixtures.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** A layout on disk whose `index.json` names one manifest or index. */
export interface Layout {
  readonly directory: string;
  readonly root: Descriptor;
}

export type Compression = "none" | "gzip" | "zstd";

export interface ImageSource {
  /** Layer archives, lowest first; a function makes its archive when it is wanted, so that not all are in memory at once. */
  readonly layers: readonly (Uint8Array | (() => Uint8Array))[];
  /** gzip when absent. */
  readonly compression?: Compression;
  /** Docker schema 2 or OCI, which is taken when absent. */
  readonly form?: "oci" | "docker";
  /** The `config` of the image configuration. */
  readonly config?: object;
  readonly platform?: Platform;
}

export const HOST: Platform = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };

const OCI = "application/vnd.oci.image";
const DOCKER = "application/vnd.docker";
const TYPES = {
  oci: { manifest: `${OCI}.manifest.v1+json`, config: `${OCI}.config.v1+json`, index: `${OCI}.index.v1+json`, none: `${OCI}.layer.v1.tar`, gzip: `${OCI}.layer.v1.tar+gzip`, zstd: `${OCI}.layer.v1.tar+zstd` },
  docker: {
    manifest: `${DOCKER}.distribution.manifest.v2+json`, config: `${DOCKER}.container.image.v1+json`, index: `${DOCKER}.distribution.manifest.list.v2+json`,
    none: `${DOCKER}.image.rootfs.diff.tar`, gzip: `${DOCKER}.image.rootfs.diff.tar.gzip`, zstd: `${DOCKER}.image.rootfs.diff.tar.zstd`,
  },
} as const;

/** Writes a layout of one image. */
export async function writeImageLayout(directory: string, image: ImageSource): Promise<Layout> {
  return sealed(directory, await writeManifest(directory, image));
}

/** Writes a layout whose root is an index of several images, each with its platform. */
export async function writeIndexLayout(directory: string, images: readonly ImageSource[]): Promise<Layout> {
  const manifests: Descriptor[] = [];
  for (const image of images) manifests.push({ ...(await writeManifest(directory, image)), platform: image.platform ?? HOST });
  const mediaType = TYPES[images[0]?.form ?? "oci"].index;
  return sealed(directory, writeBlob(directory, JSON.stringify({ schemaVersion: 2, mediaType, manifests }), mediaType));
}

/** The layout that was written to a directory before. */
export function readLayout(directory: string): Layout {
  const index: { readonly manifests: readonly [Descriptor] } = JSON.parse(readFileSync(`${directory}/index.json`, "utf8"));
  return { directory, root: index.manifests[0] };
}

/** Path of a blob in a layout. */
export const blobPath = ({ directory }: Pick<Layout, "directory">, digest: string): string => `${directory}/blobs/sha256/${digest.slice(7)}`;

/** The part of a manifest that tests look at. */
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** The manifest that a descriptor of a layout names; fails for an index. */
export function manifestOf(layout: Layout, descriptor: Descriptor = layout.root): Manifest {
  const manifest: Manifest = JSON.parse(readFileSync(blobPath(layout, descriptor.digest), "utf8"));
  if (!Array.isArray(manifest.layers)) throw new Error(`"${descriptor.digest}" is no image manifest`);
  return manifest;
}

/** The manifests of a layout with their descriptors: one, or those of its index. */
export function manifestsOf(layout: Layout): readonly (readonly [Descriptor, Manifest])[] {
  const root: { readonly manifests?: readonly Descriptor[] } = JSON.parse(readFileSync(blobPath(layout, layout.root.digest), "utf8"));
  return (root.manifests ?? [layout.root]).map((each) => [each, manifestOf(layout, each)]);
}

/** diff IDs of an image, lowest first. */
export function diffIdsOf(layout: Layout, manifest: Manifest = manifestOf(layout)): string[] {
  const config: { readonly rootfs: { readonly diff_ids: string[] } } = JSON.parse(readFileSync(blobPath(layout, manifest.config.digest), "utf8"));
  return config.rootfs.diff_ids;
}

async function writeManifest(directory: string, image: ImageSource): Promise<Descriptor> {
  const types = TYPES[image.form ?? "oci"];
  const compression = image.compression ?? "gzip";
  const written = await inPairs(image.layers, async (layer) => {
    const archive = typeof layer === "function" ? layer() : layer;
    const diffId = digestOf(archive);
    return { diffId, blob: writeBlob(directory, await compressed(archive, compression), types[compression]) };
  });
  const config = JSON.stringify({
    created: "2024-01-01T00:00:00Z", ...(image.platform ?? HOST), config: image.config ?? {},
    rootfs: { type: "layers", diff_ids: written.map(({ diffId }) => diffId) },
    history: written.map((_, index) => ({ created: "2024-01-01T00:00:00Z", created_by: `layer ${index + 1}` })),
  });
  const layers = written.map(({ blob }) => blob);
  return writeBlob(directory, JSON.stringify({ schemaVersion: 2, mediaType: types.manifest, config: writeBlob(directory, config, types.config), layers }), types.manifest);
}

/** Two at a time: compressing runs beside this thread, and memory is bounded. */
async function inPairs<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += 2) results.push(...(await Promise.all(items.slice(start, start + 2).map(action))));
  return results;
}

const GZIP = promisify<Uint8Array, { readonly level: number }, Buffer>(gzip);

async function compressed(archive: Uint8Array, compression: Compression): Promise<Uint8Array> {
  if (compression === "none") return archive;
  return compression === "gzip" ? await GZIP(archive, { level: 1 }) : await Bun.zstdCompress(archive, { level: 3 });
}

function writeBlob(directory: string, bytes: Uint8Array | string, mediaType: string): Descriptor {
  const content = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  const digest = digestOf(content);
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true });
  writeFileSync(blobPath({ directory }, digest), content);
  return { mediaType, digest, size: content.length };
}

function sealed(directory: string, root: Descriptor): Layout {
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  return { directory, root };
}
