/** Short image names (`nginx`) through registries.conf (containers-registries.conf(5), "Short-Name Aliasing"), as Podman resolves them. */
import { readdirSync } from "node:fs";
import { fail, messageOf, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { candidates, expand, shortNameOf } from "./references.ts";

/** What registries.conf says about short names. */
export interface ShortNames {
  /** Short name without tag → full name without tag. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Registries to look in, in order. */
  readonly search: readonly string[];
  readonly mode: string;
}

/** Kubernetes' and Docker's registry, for a name that nothing else is said about. */
const DEFAULT_SEARCH: readonly string[] = ["docker.io"];

type Environment = Readonly<Record<string, string>>;

/**
 * The full references that `text` may mean, in lookup order: an image made on this host (`localhost/…`), then the alias,
 * else every search registry. A full reference means itself. No file is read for one. Kind `invalid` when it is no
 * reference, or when registries.conf enforces a choice that only a person can make.
 */
export function resolveName(text: string, environment: Environment = {}): readonly string[] {
  const short = shortNameOf(text);
  return short === undefined ? candidates(text) : resolveShort(text, short, readShortNames(environment));
}

/** `resolveName` of a short name, by what the files say. Pure. */
export function resolveShort(text: string, short: string, { aliases, search, mode }: ShortNames): readonly string[] {
  const alias = aliases.get(short);
  if (alias !== undefined) return [expand(text, "localhost"), expand(text, alias, { whole: true })];
  if (mode === "enforcing" && search.length > 1) {
    fail("invalid", `Cannot resolve image name "${text}": it is short, and registries.conf names several registries (${search.join(", ")})`, {
      code: "InvalidImageName",
      hint: 'write the registry in front of it, or set short-name-mode = "permissive" in registries.conf',
    });
  }
  const registries = search.length === 0 ? DEFAULT_SEARCH : search;
  return [...new Set(["localhost", ...registries].map((registry) => expand(text, registry)))];
}

/** Reads registries.conf, its drop-ins, and the aliases that Podman has recorded; later ones win. */
function readShortNames(environment: Environment): ShortNames {
  const home = environment["XDG_CONFIG_HOME"] ?? `${environment["HOME"] ?? "/root"}/.config`;
  const own = `${home}/containers/registries.conf`;
  const main = environment["CONTAINERS_REGISTRIES_CONF"] ?? (readIfExists(own) === undefined ? "/etc/containers/registries.conf" : own);
  const dropIns = ["/etc/containers/registries.conf.d", `${own}.d`].flatMap((directory) => unless("ENOENT", () => readdirSync(directory), []).filter((name) => name.endsWith(".conf")).toSorted().map((name) => `${directory}/${name}`));
  const cached = "/var/cache/containers/short-name-aliases.conf";
  return [main, ...dropIns, cached].map(readOne).reduce(merge, { aliases: new Map(), search: [], mode: "permissive" });
}

function readOne(path: string): Partial<ShortNames> {
  const text = readIfExists(path);
  return text === undefined ? {} : parseShortNames(text, path);
}

const merge = (all: ShortNames, one: Partial<ShortNames>): ShortNames => ({
  aliases: new Map([...all.aliases, ...(one.aliases ?? [])].filter(([, value]) => value !== "")),
  search: one.search ?? all.search,
  mode: one.mode ?? all.mode,
});

/** What one file says. Kind `invalid`, naming it, when it is not TOML. Pure. */
export function parseShortNames(text: string, path: string): Partial<ShortNames> {
  const root = parseToml(text, path);
  const { aliases, "unqualified-search-registries": search, "short-name-mode": mode } = root;
  return {
    ...(isRecord(aliases) ? { aliases: new Map(Object.entries(aliases).map(([name, value]) => [name, String(value)])) } : {}),
    ...(Array.isArray(search) ? { search: search.map(String) } : {}),
    ...(typeof mode === "string" && mode !== "" ? { mode } : {}),
  };
}

/** The tables of a TOML file. */
export function parseToml(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const root: unknown = Bun.TOML.parse(text);
    return isRecord(root) ? root : {};
  } catch (cause) {
    fail("invalid", `Cannot read "${path}": it is not TOML: ${messageOf(cause)}`, { cause });
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
