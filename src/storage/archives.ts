/** What a user's archive is, told from its content, and the names that are written in it. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { CLEAN_ENV, exec } from "../base/exec.ts";
import { parseJson, record, string, strings } from "./imageConfig.ts";
import { LONG } from "./layout.ts";
import { formatReference, localReference, parseReference } from "./references.ts";

/** `rootfs`: a tar of a root filesystem; the others are skopeo's transports (containers-transports(5)). */
export type SourceKind = "rootfs" | "oci" | "oci-archive" | "docker-archive";

/** Names that image builders give to the members of an archive: `docker save`, podman, buildah, skopeo, crane, jib, nix. */
const ARCHIVE_NAME = /^(\.\/)?(|blobs(\/.*)?|oci-layout|repositories|[^/]+\.(json|tar|tar\.gz|tgz)|(sha256:)?[0-9a-f]{64}|[0-9a-z]{32,64}\/(VERSION|json|layer\.tar)?)$/;

/**
 * Tells what `source` is. An archive with a `manifest.json` is Docker's, also when it is an OCI layout at the same
 * time, because then its full names are only there. Kinds `notFound` and `invalid`.
 */
export async function identify(source: string, options: { readonly signal?: AbortSignal } = {}): Promise<SourceKind> {
  const found = unless("ENOENT", () => statSync(source), undefined);
  if (found === undefined) fail("notFound", `Cannot import "${source}": it does not exist`);
  if (found.isDirectory()) {
    if (existsSync(`${source}/oci-layout`)) return "oci";
    fail("invalid", `Cannot import "${source}": it is a directory without an "oci-layout" file, it should be an OCI layout or an archive`);
  }
  if (!found.isFile()) fail("invalid", `Cannot import "${source}": it is not a file, it should be an archive`);
  const names = await archiveNames(source, options);
  if (names?.has("manifest.json") === true) return "docker-archive";
  if (names?.has("oci-layout") === true) return "oci-archive";
  return "rootfs";
}

/** The names in an image archive; undefined at the first name that no image archive has. */
async function archiveNames(source: string, options: { readonly signal?: AbortSignal }): Promise<ReadonlySet<string> | undefined> {
  const signal = AbortSignal.any([AbortSignal.timeout(LONG), ...(options.signal ? [options.signal] : [])]);
  const lister = Bun.spawn(["bsdtar", "-t", "-f", source], { env: { ...CLEAN_ENV }, signal, killSignal: "SIGKILL", stdout: "pipe", stderr: "ignore" });
  const names = new Set<string>();
  try {
    for await (const line of lines(lister.stdout)) {
      if (!ARCHIVE_NAME.test(line)) return undefined;
      names.add(line.replace(/^\.\//, ""));
    }
    return names;
  } finally {
    lister.kill("SIGKILL");
    await lister.exited;
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

export interface ArchivedImage {
  /** What skopeo calls it in this archive (containers-transports(5)): `@0`, or a name; empty when it has none. */
  readonly selector: string;
  /** Full references. */
  readonly names: readonly string[];
}

/** The images of an archive or layout. Kind `invalid` when there are none, or several that cannot be told apart. */
export async function imagesInArchive(source: string, kind: Exclude<SourceKind, "rootfs">): Promise<readonly ArchivedImage[]> {
  const text = await readMember(source, kind === "docker-archive" ? "manifest.json" : "index.json", kind === "oci");
  const root = parseJson(text);
  const images = kind === "docker-archive" ? root : record(root, "index.json")["manifests"];
  if (!Array.isArray(images) || images.length === 0) fail("invalid", `Cannot import "${source}": it holds no image`);
  const found = images.map((image: unknown, index) => (kind === "docker-archive" ? { selector: `@${index}`, names: dockerNames(image) } : ociImage(image)));
  if (found.length > 1 && found.some(({ selector }) => selector === "")) {
    fail("invalid", `Cannot import "${source}": it holds ${found.length} images, and not all of them have a name`);
  }
  return found;
}

async function readMember(source: string, member: string, directory: boolean): Promise<string> {
  if (directory) return readFileSync(`${source}/${member}`, "utf8");
  // One of the two patterns is always missing, which is an error to bsdtar
  const { stdout } = await exec(["bsdtar", "-x", "-O", "-f", source, member, `./${member}`], { allowFailure: true, timeout: LONG });
  return stdout;
}

/** `docker save` leaves Docker Hub's part out of its names. */
function dockerNames(image: unknown): readonly string[] {
  return strings(record(image, "manifest.json")["RepoTags"], "RepoTags").map((name) => formatReference(parseReference(name)));
}

/** containerd writes the full name; the standard annotation may be a full name, a short one as given to buildah, or no name at all. */
function ociImage(image: unknown): ArchivedImage {
  const annotations = record(record(image, "index.json")["annotations"] ?? {}, "annotations");
  const full = string(annotations["io.containerd.image.name"], "annotations");
  const selector = string(annotations["org.opencontainers.image.ref.name"], "annotations");
  if (full !== "") return { selector, names: [formatReference(parseReference(full))] };
  try {
    return { selector, names: [formatReference(localReference(selector))] };
  } catch {
    return { selector, names: [] };
  }
}
