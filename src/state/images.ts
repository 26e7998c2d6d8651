/** The image catalog: which images are there, and which names mean them. */
import type { Image, ImageCatalog } from "../storage/storage.ts";
import type { Database } from "./database.ts";
import { IMAGE_NAMES, IMAGES } from "./rows.ts";

/** The `ImageCatalog` in the tables `images` and `image_names`. */
export function imageCatalog(database: Database): ImageCatalog {
  return {
    images: () => database.transaction(() => database.select(IMAGES, "ORDER BY imported_at, id").map((image) => withNames(database, image))),
    find: (reference) => database.transaction(() => find(database, reference)),
    put: (image) => database.transaction(() => put(database, image)),
    untag: (name) => void database.run("DELETE FROM image_names WHERE name = ?", [name]),
    remove: (id) => void database.run("DELETE FROM images WHERE id = ?", [id]),
  };
}

type NamelessImage = Omit<Image, "names">;

function withNames(database: Database, image: NamelessImage): Image {
  const rows = database.select(IMAGE_NAMES, "WHERE image = ? ORDER BY position", [image.id]);
  return { ...image, names: rows.map(({ name }) => name) };
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
  for (const [position, name] of image.names.entries()) {
    database.run("DELETE FROM image_names WHERE name = ?", [name]);
    database.run(IMAGE_NAMES.insert, IMAGE_NAMES.values({ name, image: image.id, position }));
  }
}
