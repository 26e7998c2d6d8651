/** Images from files: root filesystem archives, and OCI and Docker archives and layouts through skopeo. */
import { statSync, symlinkSync } from "node:fs";
import { resolve } from "node:path";
import { fail, WherryError } from "../base/errors.ts";
import type { ImageConfig } from "../spec/spec.ts";
import { identify, imagesInArchive, type ArchivedImage, type SourceKind } from "./archives.ts";
import { copyImage, type CopyOptions } from "./copy.ts";
import { limitsOf } from "./environment.ts";
import { EMPTY_CONFIG, writeImageConfig } from "./imageConfig.ts";
import { ensureLayer } from "./layers.ts";
import { makeTemporary, recoverStorage, storeLock, takeLock } from "./layout.ts";
import { recordImage } from "./recordImage.ts";
import { formatReference, localReference } from "./references.ts";
import { SKOPEO_FAILED } from "./skopeo.ts";
import type { Image, Store } from "./storage.ts";
import { decompress, isCompressed } from "./unpack.ts";

export type LoadOptions = Pick<CopyOptions, "signal" | "progress" | "limits" | "environment">;

export interface ImportOptions extends LoadOptions {
  /** Name of the image; a short one is of this host (`hello` is `localhost/hello:latest`). Without it the archive's own names are taken. */
  readonly name?: string;
  /** For a root filesystem archive, which has no configuration of its own. */
  readonly config?: Partial<ImageConfig>;
}

/**
 * Adds the image in `source` (a path) to the store and its catalog. The kind of the source is told by its content.
 * Repeating it, also after a crash at any point, gives the same image. Kinds: `notFound`, `invalid` (not an image, or a
 * hostile one), `failed` (interrupted, disk full, or skopeo's own sentence, also when `policy.json` refuses the image).
 */
export async function importImage(store: Store, source: string, options: ImportOptions = {}): Promise<Image> {
  const named = options.name === undefined ? undefined : [formatReference(localReference(options.name))];
  return await whileAdding(store, { source, options }, async (kind) => {
    if (kind === "rootfs") return await importRootfs(store, source, { ...options, names: named ?? [] });
    if (options.config !== undefined) {
      fail("usage", `Cannot import "${source}" with another configuration: it is an image, only a root filesystem archive takes one`);
    }
    const images = await imagesInArchive(source, kind);
    const [image] = images;
    if (image === undefined || images.length > 1) {
      fail("invalid", `Cannot import "${source}": it holds ${images.length} images (${images.flatMap(({ names }) => names).join(", ")}), it should hold one`, { hint: "wherry image load takes all of them" });
    }
    return await unpackImages(store, { source, kind, images: [{ ...image, names: named ?? image.names }] }, options).then((added) => added[0] ?? fail("invalid", `Cannot import "${source}": it holds no image`));
  });
}

/** Adds every image of an archive or layout under its own names. Otherwise as `importImage`. */
export async function loadImages(store: Store, source: string, options: LoadOptions = {}): Promise<readonly Image[]> {
  return await whileAdding(store, { source, options }, async (kind) => {
    if (kind === "rootfs") fail("invalid", `Cannot load "${source}": it is no archive of images`, { hint: "wherry image import makes an image of a root filesystem" });
    return await unpackImages(store, { source, kind, images: await imagesInArchive(source, kind) }, options);
  });
}

/** Runs `action` with the store lock held, and says when it was interrupted. */
async function whileAdding<T>(store: Store, { source, options }: { readonly source: string; readonly options: LoadOptions }, action: (kind: SourceKind) => Promise<T>): Promise<T> {
  try {
    const kind = await identify(source, options);
    await recoverStorage(store.directory);
    using _lock = await takeLock(storeLock(store.directory), { shared: true, ...(options.signal && { signal: options.signal }) });
    return await action(kind);
  } catch (cause) {
    if (options.signal?.aborted === true) fail("failed", `Cannot import "${source}": it was interrupted`, { cause });
    if (!(cause instanceof WherryError) || cause.code !== SKOPEO_FAILED) throw cause;
    fail("failed", `Cannot import "${source}": ${cause.context["reason"]}`, { cause, ...(cause.hint === undefined ? {} : { hint: cause.hint }) });
  }
}

async function importRootfs(store: Store, source: string, options: ImportOptions & { readonly names: readonly string[] }): Promise<Image> {
  const layer = await ensureLayer(store, { archive: source }, { ...options, limits: { ...limitsOf(options.environment ?? {}), ...options.limits } });
  // The time of the file, not of the import: the same file is the same image
  const created = Math.floor(statSync(source).mtimeMs);
  const config = writeImageConfig({ ...EMPTY_CONFIG, ...options.config }, { diffId: layer.diffId, created });
  return await recordImage(store, { config, layers: [layer], names: options.names });
}

interface Archive {
  readonly source: string;
  readonly kind: Exclude<SourceKind, "rootfs">;
  readonly images: readonly ArchivedImage[];
}

/** Lets skopeo take an archive apart, image by image, check its digests and the user's trust policy. */
async function unpackImages(store: Store, { source, kind, images }: Archive, options: LoadOptions): Promise<readonly Image[]> {
  options.progress?.({ step: "read", source });
  await using temporary = makeTemporary(store.directory);
  const from = `${temporary.path}/source`; // a path of ours, because a colon in the user's would be read as the end of the path
  if (kind !== "oci" && isCompressed(source)) await decompress(source, from, options); // skopeo 1.9 fails on some gzip
  else symlinkSync(resolve(source), from);
  const added: Image[] = [];
  for (const { selector, names } of images) {
    const copied = await copyImage(store, `${kind}:${from}${images.length === 1 ? "" : `:${selector}`}`, options);
    added.push(await recordImage(store, { ...copied, names }));
  }
  return added;
}
