/**
 * Credentials for registries as Secrets hold them (kubernetes.io/docs/concepts/containers/images, "Using a private
 * registry"; kubelet pkg/credentialprovider), and which of them are for an image. Pure. No message holds a credential.
 */
import { fail } from "../base/errors.ts";

/** Types of Secrets that a pod may pull images with, and the key that each keeps its credentials under. */
export const PULL_SECRET_KEYS: Readonly<Record<string, string>> = {
  "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
  "kubernetes.io/dockercfg": ".dockercfg",
};

export interface Credential {
  /** Host, with a port and a path perhaps; `*` and `?` in the parts of the host stand for anything: `*.example.com/team`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/**
 * The credentials in the data (base64) of a Secret of a type of `PULL_SECRET_KEYS`; none in one of another type. Entries
 * without a user are left out, as they say nothing. Kind `invalid` when they are not JSON of the right shape.
 */
export function credentialsIn({ type, data }: { readonly type: string; readonly data: Readonly<Record<string, string>> }): readonly Credential[] {
  const key = Object.hasOwn(PULL_SECRET_KEYS, type) ? PULL_SECRET_KEYS[type] : undefined;
  if (key === undefined) return [];
  const whole = mapping(parsed(Buffer.from(data[key] ?? "", "base64").toString()), "the whole");
  const entries = key === ".dockercfg" ? whole : mapping(whole["auths"], '"auths"');
  return Object.entries(entries).flatMap(([registry, entry]) => credentialOf(registry, mapping(entry, `the entry of registry ${JSON.stringify(registry)}`)));
}

function credentialOf(location: string, entry: Readonly<Record<string, unknown>>): readonly Credential[] {
  const where = `registry ${JSON.stringify(location)}`;
  const [user, pass, auth] = (["username", "password", "auth"] as const).map((field) => optionalText(entry[field], `"${field}" of ${where}`));
  const joined = auth === undefined || auth === "" ? undefined : splitAuth(auth, where);
  const username = joined?.username ?? user ?? "";
  return username === "" ? [] : [{ registry: normalized(location), username, password: joined?.password ?? pass ?? "" }];
}

/** `auth` is `user:password` in base64, with or without padding; it wins over the two fields. */
function splitAuth(auth: string, where: string): { readonly username: string; readonly password: string } {
  const text = /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(auth) ? Buffer.from(auth, "base64").toString() : "";
  const colon = text.indexOf(":");
  if (colon < 0) refuse(`"auth" of ${where}`, "user:password in base64");
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

/** `https://index.docker.io/v1/` → `index.docker.io`; the paths `/v1` and `/v2` say nothing. */
function normalized(location: string): string {
  const path = location.replace(/^[a-z]+:\/\//i, "").replace(/[?#].*$/, "");
  return path.replace(/^([^/]*)\/v[12](\/|$)/, "$1/").replace(/\/+$/, "");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse("the whole", "JSON"); // the parser's own words would quote what it has read
  }
}

function mapping(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(what, "a mapping");
  return Object.fromEntries(Object.entries(value));
}

function optionalText(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : refuse(what, "text");
}

function refuse(what: string, should: string): never {
  fail("invalid", `Cannot read registry credentials: ${what} is not ${should}`, { code: "EPULLSECRET" });
}

const DOCKER = "docker.io";
const ALSO_DOCKER = /^(index|registry-1)\.docker\.io$/;

/**
 * The credentials for an image, `registry/repository`, in the order in which they are tried: the most specific registry
 * first, then in the order given; each only once.
 */
export function credentialsFor(image: string, credentials: readonly Credential[]): readonly Credential[] {
  const matching = credentials.filter(({ registry }) => matches(registry, image));
  const ordered = matching.toSorted((a, b) => (a.registry === b.registry ? 0 : a.registry < b.registry ? 1 : -1));
  const seen = new Set<string>();
  return ordered.filter(({ username, password }) => {
    const key = JSON.stringify([username, password]);
    return !seen.has(key) && seen.add(key);
  });
}

/** The path must begin so, and each part of the host be what the pattern's part says. */
function matches(pattern: string, image: string): boolean {
  const [host, path] = parts(pattern);
  const [imageHost, imagePath] = parts(image);
  const [patterns, names] = [host.split("."), imageHost.split(".")];
  if (!imagePath.startsWith(path) || patterns.length !== names.length) return false;
  return patterns.every((each, index) => matchesPart(each, names[index] ?? ""));
}

function parts(location: string): readonly [string, string] {
  const slash = location.indexOf("/");
  const host = slash < 0 ? location : location.slice(0, slash);
  return [ALSO_DOCKER.test(host) ? DOCKER : host, slash < 0 ? "" : location.slice(slash)];
}

function matchesPart(pattern: string, text: string): boolean {
  const source = pattern.replace(/[.+^${}()|\\[\]]/g, "\\$&").replaceAll("*", "[^:]*").replaceAll("?", "[^:]");
  return new RegExp(`^${source}$`).test(text);
}
