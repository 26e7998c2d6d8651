/**
 * Images out of the store: the configuration blob byte for byte, so that the image keeps its id wherever it goes, and
 * the exact layer archives that its diff IDs are digests of.
 */
import { mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { CLEAN_ENV } from "../base/exec.ts";
import { fail } from "../base/errors.ts";
import { parseDetails, readConfigBlob } from "./details.ts";
import { hexOf, LONG, makeTemporary, recoverStorage, storeLock, takeLock } from "./layout.ts";
import { imageCalled, nameMeant } from "./tags.ts";
import type { Image, Store } from "./storage.ts";

/** Writes the uncompressed archive of a layer to `path`, the same bytes that it was unpacked from. */
export type LayerWriter = (store: Store, diffId: string, path: string, options: { readonly signal?: AbortSignal }) => Promise<void>;

export interface ExportOptions {
  readonly writeLayer: LayerWriter;
  readonly signal?: AbortSignal;
  /** Called with what is done next, a line for people. */
  readonly onStep?: (what: string) => void;
}

export const ARCHIVE_FORMATS = ["docker-archive", "oci-archive"] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

/** An image and the names that are written into the archive: the one it was called by, or none for an id. */
export interface Exported {
  readonly image: Image;
  readonly names: readonly string[];
}

/** The images that a user calls so, each once with all names it was called by. Kinds `notFound` and `invalid`. */
export function imagesToExport(store: Pick<Store, "catalog">, references: readonly string[]): readonly Exported[] {
  const called = references.map((reference) => ({ reference, image: imageCalled(store, reference) }));
  return [...Map.groupBy(called, ({ image }) => image.id).values()].map((all) => ({
    image: all[0]?.image ?? fail("notFound", "Cannot save images: none is named"),
    names: [...new Set(all.flatMap(({ image, reference }) => nameMeant(image, reference) ?? []))],
  }));
}

/**
 * The bytes of an archive of these images, as `docker load`, `podman load` and `skopeo` read it; the same images give
 * the same bytes. Everything is prepared before the first byte comes. Kinds `notFound`, and `failed` (interrupted, disk full).
 */
export async function* archiveOf(store: Store, exported: readonly Exported[], options: ExportOptions & { readonly format: ArchiveFormat }): AsyncGenerator<Uint8Array> {
  await recoverStorage(store.directory);
  using _lock = await takeLock(storeLock(store.directory), { shared: true, ...(options.signal && { signal: options.signal }) });
  await using temporary = makeTemporary(store.directory);
  const members = options.format === "docker-archive"
    ? await dockerMembers(store, exported, { ...options, directory: temporary.path })
    : await ociMembers(store, exported, { ...options, directory: temporary.path });
  options.onStep?.("writing the archive");
  yield* tarOf(temporary.path, members, options);
}

type Writing = ExportOptions & { readonly directory: string };

/**
 * The layout of `docker save` since Docker 1.10: `manifest.json`, configurations and layers by their digests. Names are
 * full: Docker takes them as well as its short ones, which others would take for names of this host.
 */
async function dockerMembers(store: Store, exported: readonly Exported[], to: Writing): Promise<readonly string[]> {
  await writeLayers(store, exported, { ...to, path: (hex) => `${hex}.tar` });
  const entries = exported.map(({ image, names }) => {
    writeFileSync(`${to.directory}/${hexOf(image.id)}.json`, readConfigBlob(store.directory, image.id));
    return { Config: `${hexOf(image.id)}.json`, RepoTags: names, Layers: image.layers.map((diffId) => `${hexOf(diffId)}.tar`) };
  });
  writeFileSync(`${to.directory}/manifest.json`, JSON.stringify(entries));
  const layers = new Set(entries.flatMap(({ Layers }) => Layers));
  return ["manifest.json", ...entries.map(({ Config }) => Config), ...layers];
}

/** An OCI image layout (image-spec image-layout.md) with uncompressed layers: an archive is compressed as a whole by who likes. */
async function ociMembers(store: Store, exported: readonly Exported[], to: Writing): Promise<readonly string[]> {
  mkdirSync(`${to.directory}/blobs/sha256`, { recursive: true });
  await writeLayers(store, exported, { ...to, path: (hex) => `blobs/sha256/${hex}` });
  const blobs = new Set<string>();
  const index = exported.flatMap(({ image, names }) => {
    const config = readConfigBlob(store.directory, image.id);
    const manifest = Buffer.from(manifestText(image, config, { type: "oci", sizeOf: (diffId) => statSync(`${to.directory}/blobs/sha256/${hexOf(diffId)}`).size }));
    for (const blob of [config, manifest]) writeFileSync(`${to.directory}/blobs/sha256/${hexOf(digestOf(blob))}`, blob);
    for (const digest of [...image.layers, image.id, digestOf(manifest)]) blobs.add(`blobs/sha256/${hexOf(digest)}`);
    const { architecture, os, variant } = parseDetails(config.toString(), image.layers);
    const descriptor = { mediaType: OCI.manifest, digest: digestOf(manifest), size: manifest.length, platform: { architecture, os, ...(variant === "" ? {} : { variant }) } };
    return names.length === 0 ? [descriptor] : names.map((name) => ({ ...descriptor, annotations: { "org.opencontainers.image.ref.name": name, "io.containerd.image.name": name } }));
  });
  writeFileSync(`${to.directory}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(`${to.directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: index }));
  return ["oci-layout", "index.json", ...blobs];
}

/** Every layer once, however many of the images have it. */
export async function writeLayers(store: Store, exported: readonly Exported[], to: Writing & { readonly path: (hex: string) => string }): Promise<void> {
  const layers = [...new Set(exported.flatMap(({ image }) => image.layers))];
  for (const [index, diffId] of layers.entries()) {
    to.signal?.throwIfAborted();
    to.onStep?.(`packing layer ${hexOf(diffId).slice(0, 12)} (${index + 1} of ${layers.length})`);
    await to.writeLayer(store, diffId, `${to.directory}/${to.path(hexOf(diffId))}`, to.signal === undefined ? {} : { signal: to.signal });
  }
}

const OCI = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;
/** Docker image manifest version 2, schema 2. */
const DOCKER = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar",
} as const;

export type ManifestType = "oci" | "v2s2";

/** The manifest of an image with uncompressed layers. */
export function manifestText(image: Image, config: Uint8Array, { type, sizeOf }: { readonly type: ManifestType; readonly sizeOf: (diffId: string) => number }): string {
  const types = type === "oci" ? OCI : DOCKER;
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: image.id, size: config.length },
    layers: image.layers.map((digest) => ({ mediaType: types.layer, digest, size: sizeOf(digest) })),
  });
}

const digestOf = (bytes: Uint8Array): string => `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

/** Holes are written out: some readers do not know tar's forms of sparse files. Times and owners of ours say nothing. */
const TAR = ["bsdtar", "-c", "-f", "-", "--no-read-sparse", "--no-xattrs", "--no-acls", "--no-fflags", "--uid", "0", "--gid", "0", "--uname", "", "--gname", ""] as const;

async function* tarOf(directory: string, members: readonly string[], { signal }: { readonly signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
  for (const member of members) utimesSync(`${directory}/${member}`, 0, 0);
  const argv = ["setpriv", "--pdeathsig=KILL", ...TAR, "-C", directory, "--null", "-T", "-"];
  const all = AbortSignal.any([AbortSignal.timeout(LONG), ...(signal ? [signal] : [])]);
  const tar = Bun.spawn(argv, { env: { ...CLEAN_ENV }, stdin: Buffer.from(members.map((member) => `${member}\0`).join("")), stdout: "pipe", stderr: "pipe", signal: all, killSignal: "SIGKILL" });
  const complaints = new Response(tar.stderr).text();
  try {
    yield* tar.stdout;
    const status = await tar.exited;
    signal?.throwIfAborted();
    if (status !== 0) fail("failed", `Cannot write the archive: ${(await complaints).trim().split("\n").at(-1) ?? `bsdtar ended with ${status}`}`);
  } finally {
    tar.kill("SIGKILL"); // the reader may have gone before the end
    await tar.exited;
  }
}
