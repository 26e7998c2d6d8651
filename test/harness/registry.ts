/**
 * A registry of the tests' own: Debian's `docker-registry` on a free port of the loopback interface, in a room or outside.
 * Images are put where it keeps its files, byte for byte as they were written; its access log tells what was fetched.
 */
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf, unless } from "../../src/base/errors.ts";
import { makeAuthority } from "./certificates.ts";
import { blobPath, type Layout, manifestsOf } from "./layout.ts";
import { CHECKOUT, type Running } from "./room.ts";

export interface RegistryOptions {
  /** Serve by TLS, with a certificate of an authority made for this registry. */
  readonly tls?: boolean;
  /** Who may read, with their passwords. Everybody when absent. */
  readonly users?: Readonly<Record<string, string>>;
}

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** The file of the authority's certificate; empty without TLS. */
  readonly authority: string;
  /** Makes an image available as `NAME:TAG`; returns the whole reference. */
  publish(layout: Layout, name: string): string;
  /** Digests of the blobs that were asked for and given so far, one for each time. Layers and configurations are blobs, manifests are not. */
  fetched(): readonly string[];
  /** Resolves when a blob has been given as a whole. */
  gives(digest: string): Promise<unknown>;
  /** Replaces the bytes of a blob by others. */
  tamper(digest: string, bytes: Uint8Array): void;
  /** Stops serving in the middle of everything, until it dies. */
  freeze(): void;
  /** Ends it at once. */
  die(): Promise<void>;
  /** Starts it again where it was, after `die`. */
  revive(): Promise<void>;
}

/** How a program is started: `room.start`, or `startHere`. */
export type Start = (argv: readonly string[]) => Running;

/** Starts a registry and waits until it listens. */
export async function startRegistry(start: Start, options: RegistryOptions = {}): Promise<Registry> {
  mkdirSync(`${CHECKOUT}/.cache`, { recursive: true });
  const home = mkdtempSync(`${CHECKOUT}/.cache/registry.`); // beside the images, so that blobs can be links
  try {
    return await startIn(home, start, options);
  } catch (thrown) {
    rmSync(home, { recursive: true, force: true });
    throw thrown;
  }
}

async function startIn(home: string, start: Start, options: RegistryOptions): Promise<Registry> {
  const authority = options.tls === true ? await makeAuthority(home) : undefined;
  if (options.users !== undefined) writeFileSync(`${home}/htpasswd`, await passwords(options.users));
  let running = await serve({ home, start, options, port: 0 });
  const logs: Running[] = [running];
  const port = portOf(running.output());
  const blob = (digest: string): string => `${home}/data/docker/registry/v2/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`;
  const die = async (): Promise<void> => {
    running.kill("SIGKILL");
    // What has entered the room for it stops when it stops, and would not see its end
    unless("ESRCH", () => process.kill(running.pid, "SIGKILL"), true);
    await running.exited;
  };
  let ended = false;
  return {
    address: `127.0.0.1:${port}`,
    authority: authority?.certificate ?? "",
    publish(layout, name) {
      publish(layout, { home, name, blob });
      return `127.0.0.1:${port}/${name}`;
    },
    fetched: () => logs.flatMap((each) => blobsIn(each.output())),
    gives: (digest) => running.says(new RegExp(`"GET /v2/\\S+/blobs/${digest} \\S+" 200 `)),
    tamper(digest, bytes) {
      rmSync(blob(digest)); // it may be a link to the cache
      writeFileSync(blob(digest), bytes);
    },
    freeze: () => running.kill("SIGSTOP"),
    async die() {
      ended = true;
      await die();
    },
    async revive() {
      running = await serve({ home, start, options, port });
      logs.push(running);
      ended = false;
    },
    async [Symbol.asyncDispose]() {
      if (!ended) await die();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

interface Serving {
  readonly home: string;
  readonly start: Start;
  readonly options: RegistryOptions;
  /** 0: a free one. */
  readonly port: number;
}

async function serve({ home, start, options, port }: Serving): Promise<Running> {
  const configuration = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: `${home}/data` }, maintenance: { uploadpurging: { enabled: false } } },
    http: { addr: `127.0.0.1:${port}`, secret: "test", ...(options.tls === true ? { tls: { certificate: `${home}/server.crt`, key: `${home}/server.key` } } : {}) },
    ...(options.users === undefined ? {} : { auth: { htpasswd: { realm: "test", path: `${home}/htpasswd` } } }),
  };
  writeFileSync(`${home}/config.yml`, JSON.stringify(configuration)); // JSON is YAML
  const running = start(["docker-registry", "serve", `${home}/config.yml`]);
  await running.says(/listening on 127\.0\.0\.1:\d+/);
  return running;
}

const portOf = (said: string): number => Number(/listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1]);

async function passwords(users: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(users).map(async ([name, password]) => `${name}:${await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 })}\n`);
  return (await Promise.all(lines)).join("");
}

/** The access log is in the combined format; what was cut off has been asked for, too. */
function blobsIn(log: string): readonly string[] {
  return [...log.matchAll(/"GET \/v2\/\S+\/blobs\/(sha256:[0-9a-f]{64}) \S+" (?:200|206) /g)].flatMap(([, digest]) => digest ?? []);
}

interface Publication {
  readonly home: string;
  readonly name: string;
  readonly blob: (digest: string) => string;
}

/** Writes what a push would have written (the registry's `storage/paths.go`). */
function publish(layout: Layout, { home, name, blob }: Publication): void {
  const [repository = "", tag = "latest"] = name.split(":");
  const links = `${home}/data/docker/registry/v2/repositories/${repository}`;
  const link = (path: string, digest: string): void => write(`${links}/${path}/link`, digest);
  const revision = (digest: string): void => link(`_manifests/revisions/sha256/${digest.slice(7)}`, digest);
  const put = (digest: string): void => place(blobPath(layout, digest), blob(digest));
  for (const [{ digest }, { config, layers }] of manifestsOf(layout)) {
    for (const each of [config, ...layers]) {
      put(each.digest);
      link(`_layers/sha256/${each.digest.slice(7)}`, each.digest);
    }
    put(digest);
    revision(digest);
  }
  put(layout.root.digest);
  revision(layout.root.digest);
  link(`_manifests/tags/${tag}/current`, layout.root.digest);
  link(`_manifests/tags/${tag}/index/sha256/${layout.root.digest.slice(7)}`, layout.root.digest);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** By a link where both are on one filesystem. */
function place(from: string, to: string): void {
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch (thrown) {
    if (errnoOf(thrown) !== "EXDEV") throw thrown;
    copyFileSync(from, to);
  }
}
