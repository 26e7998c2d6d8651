/** Images that other engines of this host have built: containers-storage of Podman and Buildah, and Docker's daemon. */
import { existsSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { parseToml } from "./shortNames.ts";

type Environment = Readonly<Record<string, string>>;

/**
 * Where skopeo may find an image of this host by that name, likeliest first. `name` is full (`localhost/shop:1`);
 * Docker has no `localhost/` in its names. Looks only at files, so that a host without these engines pays nothing.
 */
export function localSources(name: string, environment: Environment): readonly string[] {
  return [
    ...(inContainersStorage(name, environment) ? [`containers-storage:${name}`] : []),
    ...(hasDocker(environment) ? [`docker-daemon:${name.replace(/^localhost\//, "docker.io/library/")}`] : []),
  ];
}

const DRIVERS = ["overlay", "vfs", "btrfs", "zfs"] as const;

/** The list of its images is a JSON file; the name in it is a hint, skopeo decides. */
function inContainersStorage(name: string, environment: Environment): boolean {
  const root = graphRoot(environment);
  const quoted = JSON.stringify(name);
  return DRIVERS.some((driver) => readIfExists(`${root}/${driver}-images/images.json`)?.includes(quoted) === true);
}

/** containers-storage.conf(5), in its order of precedence. */
function graphRoot(environment: Environment): string {
  const home = environment["HOME"] ?? "/root";
  const isRoot = process.getuid?.() === 0;
  const own = `${environment["XDG_CONFIG_HOME"] ?? `${home}/.config`}/containers/storage.conf`;
  const files = [environment["CONTAINERS_STORAGE_CONF"] ?? "", ...(isRoot ? [] : [own]), "/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];
  const path = files.find((file) => file !== "" && existsSync(file));
  const configured = path === undefined ? undefined : configuredRoot(parseToml(readIfExists(path) ?? "", path), isRoot);
  return configured ?? (isRoot ? "/var/lib/containers/storage" : `${environment["XDG_DATA_HOME"] ?? `${home}/.local/share`}/containers/storage`);
}

function configuredRoot({ storage }: Readonly<Record<string, unknown>>, isRoot: boolean): string | undefined {
  if (typeof storage !== "object" || storage === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...storage };
  const root = isRoot ? fields["graphroot"] : fields["rootless_storage_path"];
  return typeof root === "string" && root !== "" ? root : undefined;
}

/** Its socket is there. A daemon that is named by another kind of address is asked, too. */
function hasDocker(environment: Environment): boolean {
  const host = environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  return host.startsWith("unix://") ? existsSync(host.slice("unix://".length)) : true;
}

/**
 * The id that Docker's daemon says an image has (Engine API, `GET /images/{name}/json`). Undefined when it is not reached
 * by a socket; kind `notFound` when it has no such image or, with `builtHere`, has it from a registry.
 */
export async function dockerImageId(source: string, { environment, builtHere }: { readonly environment: Environment; readonly builtHere: boolean }): Promise<string | undefined> {
  const host = environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  if (!host.startsWith("unix://")) return undefined;
  const name = source.replace(/^docker-daemon:(docker\.io\/)?(library\/)?/, "");
  const answer = await fetch(`http://docker/images/${name}/json`, { unix: host.slice("unix://".length), signal: AbortSignal.timeout(10_000) });
  if (answer.status === 404) fail("notFound", `Cannot find image "${name}": Docker does not have it`);
  if (!answer.ok) fail("failed", `Cannot ask Docker for image "${name}": it answers ${answer.status}`);
  const body: unknown = await answer.json();
  if (typeof body !== "object" || body === null || !("Id" in body) || typeof body.Id !== "string") return undefined;
  const fromRegistry = "RepoDigests" in body && Array.isArray(body.RepoDigests) && body.RepoDigests.length > 0;
  if (builtHere && fromRegistry) fail("notFound", `Cannot take image "${name}" from Docker: it has it from a registry`);
  return body.Id;
}
