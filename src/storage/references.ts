/**
 * Image references: `[registry[:port]/]repository[:tag][@digest]` (OCI distribution spec 1.1, "Pulling manifests";
 * normalised as Docker does). Pure.
 */
import { fail } from "../base/errors.ts";

/** A full reference: with a registry, and with a tag unless it has a digest. */
export interface Reference {
  /** `docker.io`, `localhost`, `registry.example:5000` */
  readonly registry: string;
  /** `library/nginx` */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…`; it decides, so a tag beside it is dropped. */
  readonly digest?: string;
}

const DOCKER = "docker.io";
const LOCAL = "localhost";
const REGISTRY = /^([a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]+)?$/;
const COMPONENT = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const IMAGE_ID = /^(sha256:)?[0-9a-f]{64}$/;

interface Parts {
  readonly registry?: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** The full reference that Docker understands by `text`: `nginx` is `docker.io/library/nginx:latest`. Kind `invalid`. */
export function parseReference(text: string): Reference {
  return complete(split(text), DOCKER);
}

/** The full reference under which an image made on this host is kept: `hello` is `localhost/hello:latest`. Kind `invalid`. */
export function localReference(text: string): Reference {
  return complete(split(text), LOCAL);
}

/** The one text of a full reference; `parseReference` reads it back. */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`}`;
}

/**
 * The names under which an image that a user calls `text` may be in the catalog, in lookup order: images made here
 * (`localhost/…`) before Docker Hub's, as Podman resolves short names. An image id is its own only candidate. Kind `invalid`.
 */
export function candidates(text: string): readonly string[] {
  if (IMAGE_ID.test(text)) return [text.startsWith("sha256:") ? text : `sha256:${text}`];
  const parts = split(text);
  const registries = parts.registry === undefined ? [LOCAL, DOCKER] : [parts.registry];
  return registries.map((registry) => formatReference(complete(parts, registry)));
}

/** The repository of a short name, without tag and digest; undefined for a full name or an image id. Kind `invalid`. */
export function shortNameOf(text: string): string | undefined {
  if (IMAGE_ID.test(text)) return undefined;
  const { registry, path } = split(text);
  return registry === undefined ? path : undefined;
}

/** The full reference of a short name in a registry or, with `whole`, under a full name that stands for it. Kind `invalid`. */
export function expand(text: string, at: string, { whole = false }: { readonly whole?: boolean } = {}): string {
  const parts = split(text);
  if (!whole) return formatReference(parseReference(`${at}/${nameWithTag(parts)}`));
  return formatReference(parseReference(nameWithTag({ ...parts, path: at })));
}

const nameWithTag = ({ path, tag, digest }: Parts): string => `${path}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;

function split(text: string): Parts {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !DIGEST.test(digest)) refuse(text, "a digest must be sha256: and 64 hexadecimal digits");
  const name = at < 0 ? text : text.slice(0, at);
  const colon = name.lastIndexOf(":");
  const tag = colon > name.lastIndexOf("/") ? name.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) refuse(text, "a tag must be at most 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'");
  const [registry, path] = splitRegistry(tag === undefined ? name : name.slice(0, colon));
  checkName(text, registry, path);
  return { path, ...(registry === undefined ? {} : { registry }), ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The first component is a registry when it cannot be part of a repository: it has a dot, a port or a capital, or is `localhost`. */
function splitRegistry(name: string): readonly [string | undefined, string] {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  if (slash < 0 || !(first === LOCAL || /[.:A-Z]/.test(first))) return [undefined, name];
  return [first === "index.docker.io" ? DOCKER : first, name.slice(slash + 1)];
}

function checkName(text: string, registry: string | undefined, path: string): void {
  if (path === "") refuse(text, "it has no repository name");
  if (IMAGE_ID.test(path)) refuse(text, "64 hexadecimal digits are an image id, not a name");
  if (path !== path.toLowerCase()) refuse(text, "a repository name must be lower case");
  if (registry !== undefined && !REGISTRY.test(registry)) refuse(text, `"${registry}" is not a host name with an optional port`);
  if (!path.split("/").every((component) => COMPONENT.test(component))) {
    refuse(text, "a repository name must be components of lower-case letters and digits, with single '.', '_', '__' or '-' between them, separated by '/'");
  }
  if ((registry ?? "").length + path.length > 254) refuse(text, "registry and repository must have at most 255 characters");
}

function complete(parts: Parts, fallback: string): Reference {
  const registry = parts.registry ?? fallback;
  const repository = registry === DOCKER && !parts.path.includes("/") ? `library/${parts.path}` : parts.path;
  return { registry, repository, ...(parts.digest === undefined ? { tag: parts.tag ?? "latest" } : { digest: parts.digest }) };
}

function refuse(text: string, why: string): never {
  fail("invalid", `Cannot use "${text}" as an image name: ${why}`, { code: "InvalidImageName" });
}
