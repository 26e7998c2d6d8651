/** The image catalog: which images and layers are there, and which references mean them. */
import type { Blob, Image, ImageCatalog, Layer } from "../storage/storage.ts";
import type { Database } from "./database.ts";
import { BLOBS, IMAGE_NAMES, IMAGES, LAYERS } from "./rows.ts";

/** The `ImageCatalog` in the tables `images`, `image_names`, `layers` and `blobs`. */
export function imageCatalog(database: Database): ImageCatalog {
  return {
    images: () => database.transaction(() => database.select(IMAGES, "ORDER BY imported_at, id").map((image) => withNames(database, image))),
    find: (reference) => database.transaction(() => find(database, reference)),
    put: (image) => database.transaction(() => put(database, image)),
    untag: (name) => void database.run("DELETE FROM image_names WHERE name = ?", [name]),
    remove: (id) => void database.run("DELETE FROM images WHERE id = ?", [id]),
    layers: () => database.select(LAYERS, "ORDER BY diff_id"),
    layer: (diffId) => database.selectOne(LAYERS, "WHERE diff_id = ?", [diffId]),
    layerOfBlob: (digest) => database.selectOne(LAYERS, "WHERE diff_id = (SELECT layer FROM blobs WHERE digest = ?)", [digest]),
    putLayer: (layer, blob) => database.transaction(() => putLayer(database, layer, blob)),
    removeLayer: (diffId) => void database.run("DELETE FROM layers WHERE diff_id = ?", [diffId]),
  };
}

type NamelessImage = Omit<Image, "names" | "digests">;

/** A reference with a digest is the name of a manifest, not of an image. */
const hasDigest = (reference: string): boolean => reference.includes("@");

function withNames(database: Database, image: NamelessImage): Image {
  const all = database.select(IMAGE_NAMES, "WHERE image = ? ORDER BY position", [image.id]).map(({ name }) => name);
  return { ...image, names: all.filter((name) => !hasDigest(name)), digests: all.filter(hasDigest) };
}

/** A name first, because an image may be named like the beginning of another one's id. */
function find(database: Database, reference: string): Image | undefined {
  const image = byName(database, reference) ?? byId(database, reference) ?? byDigest(database, reference);
  return image === undefined ? undefined : withNames(database, image);
}

function byName(database: Database, name: string): NamelessImage | undefined {
  return database.selectOne(IMAGES, "WHERE id = (SELECT image FROM image_names WHERE name = ?)", [name]);
}

function byId(database: Database, text: string): NamelessImage | undefined {
  const [, digits] = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const prefix = `sha256:${digits}`;
  const [first, ...others] = database.select(IMAGES, "WHERE id >= ? AND id < ? LIMIT 2", [prefix, `${prefix}g`]);
  return others.length === 0 ? first : undefined;
}

/** `repository@sha256:…` where the digest is the image's id and the image has a name of that repository. */
function byDigest(database: Database, reference: string): NamelessImage | undefined {
  const [, repository, id] = /^(.+)@(sha256:[0-9a-f]{64})$/.exec(reference) ?? [];
  if (repository === undefined || id === undefined) return undefined;
  const image = database.selectOne(IMAGES, "WHERE id = ?", [id]);
  if (image === undefined) return undefined;
  return withNames(database, image).names.some((name) => repositoryOf(name) === repository) ? image : undefined;
}

const repositoryOf = (name: string): string => name.replace(/@.*$/, "").replace(/:[^/:]*$/, "");

function put(database: Database, image: Image): void {
  database.run("DELETE FROM images WHERE id = ?", [image.id]);
  database.run(IMAGES.insert, IMAGES.values(image));
  for (const [position, name] of [...image.names, ...image.digests].entries()) {
    database.run("DELETE FROM image_names WHERE name = ?", [name]);
    database.run(IMAGE_NAMES.insert, IMAGE_NAMES.values({ name, image: image.id, position }));
  }
}

/** Not by replacing the row, which would take its blobs along. */
function putLayer(database: Database, layer: Layer, blob: Blob | undefined): void {
  const { diffId, ...rest } = layer;
  const known = database.update(LAYERS, rest, { where: "diff_id = ?", values: [diffId] });
  if (known === 0) database.run(LAYERS.insert, LAYERS.values(layer));
  if (blob === undefined) return;
  database.run("DELETE FROM blobs WHERE digest = ?", [blob.digest]);
  database.run(BLOBS.insert, BLOBS.values({ ...blob, layer: diffId }));
}
