/** Images as tables show them. */
import type { Image } from "../storage/storage.ts";
import { humanDuration } from "./age.ts";

export const shortId = (id: string): string => id.replace("sha256:", "").slice(0, 12);

/** `3 days ago` in kubectl's words; `<unknown>` when it is not told. */
export const ago = (time: number, now: number): string => (time === 0 ? "<unknown>" : `${humanDuration(now - time)} ago`);

/** One line for each name, one for an image without any. */
export const namesOf = (image: Image): readonly string[] => (image.names.length === 0 ? ["<none>"] : image.names);

/** The manifest digest under which the repository of `name` has the image; of any other repository for a nameless one. */
export function digestFor(image: Image, name: string): string {
  const repository = repositoryOf(name);
  const found = image.digests.find((digest) => digest.split("@")[0] === repository) ?? (image.names.length === 0 ? image.digests[0] : undefined);
  return found?.split("@")[1] ?? "<none>";
}

/** A full name without its tag or digest. */
export const repositoryOf = (name: string): string => name.replace(/@.*$/, "").replace(/:[^/:]*$/, "");

/**
 * Whether a full name is what `pattern` asks for, as `podman images` and `docker images` do: a name with or without its
 * tag, from any of its components on, with `*` for anything but a slash.
 */
export function nameMatches(name: string, pattern: string): boolean {
  const glob = new Bun.Glob(pattern);
  const parts = name.split("/");
  return parts.some((_, from) => {
    const tail = parts.slice(from).join("/");
    return glob.match(tail) || glob.match(repositoryOf(tail));
  });
}
