/** Names of images in the store, given and taken away. */
import { fail } from "../base/errors.ts";
import { findImage } from "./images.ts";
import { digestLock, storeLock, takeLock } from "./layout.ts";
import { candidates, formatReference, localReference } from "./references.ts";
import type { Image, Store } from "./storage.ts";

/**
 * Gives an image further names; a short one is of this host. A name that another image has goes over to this one.
 * Kinds `notFound`, `invalid`, and `usage` for a name with a digest, which nobody may choose.
 */
export async function tagImage(store: Store, reference: string, names: readonly string[]): Promise<Image> {
  const added = names.map(newName);
  using _store = await takeLock(storeLock(store.directory), { shared: true }); // locks of digests stay while it is held
  const { id } = imageCalled(store, reference);
  using _image = await takeLock(digestLock(store.directory, id)); // who reads the names to add to them
  const image = imageCalled(store, id);
  const tagged = { ...image, names: [...new Set([...image.names, ...added])] };
  store.catalog.put(tagged);
  return tagged;
}

function newName(text: string): string {
  const reference = localReference(text);
  if (reference.digest !== undefined) fail("usage", `Cannot use "${text}" as a new image name: a digest belongs to what a registry has, it should have a tag`);
  return formatReference(reference);
}

/** Takes a name away; all of them, when `reference` is the image's id or digest. The image stays. Returns what was taken. Kind `notFound`. */
export function untagImage(store: Store, reference: string): readonly string[] {
  const image = imageCalled(store, reference);
  const name = nameMeant(image, reference);
  const taken = name === undefined ? image.names : [name];
  for (const each of taken) store.catalog.untag(each);
  return taken;
}

/** The image that a user calls `reference`. Kinds `notFound` and `invalid`. */
export function imageCalled(store: Pick<Store, "catalog">, reference: string): Image {
  return findImage(store.catalog, reference) ?? fail("notFound", `Cannot find image "${reference}": it is not in the store`, { hint: "see wherry image ls" });
}

/** The full name by which `reference` means `image`; undefined when it is meant by its id or a digest. */
export function nameMeant(image: Image, reference: string): string | undefined {
  return candidates(reference).find((candidate) => image.names.includes(candidate));
}
