/** Pulling: from a name to an image in the store, from a registry or from another engine of this host. */
import { existsSync } from "node:fs";
import { fail, messageOf, WherryError } from "../base/errors.ts";
import type { Lock } from "../base/locks.ts";
import { layerOfBlob } from "./arrivals.ts";
import { copyImage, type CopyOptions } from "./copy.ts";
import { parseImageConfig } from "./imageConfig.ts";
import { presentLayer } from "./layers.ts";
import { configFile, blobLock, recoverStorage, storeLock, takeLock } from "./layout.ts";
import { dockerImageId, localSources } from "./localSources.ts";
import { chooseInstance, digestOf, hostPlatform, parseManifest, platformText, type Manifest } from "./manifest.ts";
import { recordImage } from "./recordImage.ts";
import { formatReference, parseReference, shortNameOf } from "./references.ts";
import { resolveName } from "./shortNames.ts";
import { registryFlags, runSkopeo } from "./skopeo.ts";
import type { Blob, Image, Store } from "./storage.ts";

export interface PullOptions extends Omit<CopyOptions, "authFile" | "expected" | "present" | "locked" | "onLayer" | "scratch"> {
  /** Credentials to try in this order (containers-auth.json(5)); the host's own come after them. */
  readonly authFiles?: readonly string[];
}

export interface Pulled {
  readonly image: Image;
  /** The name that it was pulled by: the first of `resolveName` that led to an image. */
  readonly name: string;
  /** The name means another image than before, or an image was added. */
  readonly changed: boolean;
}

/** Code of the errors here, but for names: the kubelet's reason. */
const CODE = "ErrImagePull";

/**
 * Makes sure that the store has what `reference` means now. An image that is there already is not fetched again, nor are
 * layers that are; what several processes want at once is fetched once. Repeating it, also after a crash at any point,
 * goes on with the layers that came. Images of the registry `localhost` are made on this host: they come from other
 * engines, else they must be in the store.
 * Kinds `notFound` and `failed` with code `ErrImagePull` and `context.transient`: whether another try may end otherwise;
 * `invalid` with code `InvalidImageName`.
 */
export async function pullImage(store: Store, reference: string, options: PullOptions = {}): Promise<Pulled> {
  const recovered = await recoverStorage(store.directory);
  try {
    return await pullFirst(store, reference, options);
  } finally {
    if (!recovered) await recoverStorage(store.directory); // whoever was at work then may have been dying
  }
}

/** Pulls by the first of the names that the reference may stand for. */
async function pullFirst(store: Store, reference: string, options: PullOptions): Promise<Pulled> {
  const names = resolveName(reference, options.environment);
  using _lock = await takeLock(storeLock(store.directory), { shared: true, ...(options.signal && { signal: options.signal }) });
  const failures: Failure[] = [];
  for (const name of names) {
    try {
      const pulled = await pullName(store, name, { ...options, short: shortNameOf(reference) !== undefined });
      if (pulled !== undefined) return pulled;
    } catch (thrown) {
      if (options.signal?.aborted === true) fail("failed", `Cannot pull image "${reference}": it was interrupted`, { code: CODE, cause: thrown });
      if (!(thrown instanceof WherryError)) throw thrown;
      failures.push({ name, thrown });
    }
  }
  refuse(reference, failures, names);
}

interface Failure {
  readonly name: string;
  readonly thrown: WherryError;
}

function refuse(reference: string, failures: readonly Failure[], names: readonly string[]): never {
  const [first] = failures;
  if (first === undefined) {
    const local = shortNameOf(reference) === undefined && names[0]?.startsWith("localhost/") === true;
    const what = local ? "no engine of this host has it" : "it cannot be told where it is to come from";
    fail("notFound", `Cannot pull image "${reference}": ${what}`, { code: CODE, hint: "build it with podman or docker, or: wherry image load", context: { transient: false } });
  }
  const several = failures.length > 1;
  const words = failures.map(({ name, thrown }) => `${several ? `${name}: ` : ""}${reasonIn(thrown)}`).join("; ");
  const transient = failures.some(({ thrown }) => thrown.context["transient"] === true);
  const kind = failures.every(({ thrown }) => thrown.kind === "notFound") ? "notFound" : "failed";
  const hint = failures.find(({ thrown }) => thrown.hint !== undefined)?.thrown.hint;
  fail(kind, `Cannot pull image "${reference}": ${words}`, { code: CODE, cause: first.thrown, context: { transient }, ...(hint === undefined ? {} : { hint }) });
}

/** What an inner error says besides the action, which the outer one names. */
const reasonIn = ({ context, message }: WherryError): string =>
  typeof context["reason"] === "string" ? context["reason"] : message.replace(/^Cannot (read the image|pull image "[^"]*"): /, "");

/** `short`: the user wrote no registry, so it may be an image of this host or of a registry. */
type NameOptions = PullOptions & { readonly short: boolean };

/** Undefined when the name is of this host and nothing here has it. */
async function pullName(store: Store, name: string, options: NameOptions): Promise<Pulled | undefined> {
  if (name.startsWith("sha256:")) return existing(store, name);
  if (!name.startsWith("localhost/")) return await withCredentials(options, (authFile) => pullFromRegistry(store, name, { ...options, ...(authFile === undefined ? {} : { authFile }) }));
  for (const source of localSources(name, options.environment ?? {})) {
    const pulled = await pullFromEngine(store, { name, source }, options);
    if (pulled !== undefined) return pulled;
  }
  return existing(store, name);
}

function existing(store: Store, name: string): Pulled | undefined {
  const image = store.catalog.find(name);
  return image === undefined || !isWhole(store, image) ? undefined : { image, name, changed: false };
}

const UNAUTHORIZED = /unauthorized|denied|authentication required|invalid username\/password|StatusCode: 40[13]/i;

/** The next credentials are tried when the registry does not accept some, as the kubelet does. */
async function withCredentials<T>({ authFiles = [] }: PullOptions, attempt: (authFile: string | undefined) => Promise<T>): Promise<T> {
  for (const authFile of authFiles) {
    try {
      return await attempt(authFile);
    } catch (thrown) {
      if (!UNAUTHORIZED.test(messageOf(thrown))) throw thrown;
    }
  }
  return await attempt(undefined);
}

type RegistryOptions = PullOptions & { readonly authFile?: string };

/** A tag that moves between two looks at it is looked at again, so many times. */
const LOOKS = 3;

async function pullFromRegistry(store: Store, name: string, options: RegistryOptions): Promise<Pulled> {
  for (let look = 1; ; look += 1) {
    const pulled = await pullOnce(store, name, options);
    if (pulled !== undefined) return pulled;
    if (look === LOOKS) fail("failed", `Cannot pull image "${name}": its tag moves all the time`, { context: { transient: true } });
  }
}

/** Undefined when the tag has moved meanwhile. */
async function pullOnce(store: Store, name: string, options: RegistryOptions): Promise<Pulled | undefined> {
  const source = `docker://${name}`;
  options.progress?.({ step: "read", source });
  const raw = await inspect(source, options);
  const top = digestOf(raw);
  using _lock = await takeLock(blobLock(store.directory, top), { ...(options.signal && { signal: options.signal }) });
  const known = knownImage(store, { name, top, options });
  if (known !== undefined) return known;
  const { digest, manifest } = await instanceOf(name, raw, options);
  const blobs = uniqueBlobs(manifest.layers);
  using locks = await lockMissing(store, blobs, options);
  const present = new Map(blobs.filter((blob) => isPresent(store, blob)).map(({ digest: blob, size }) => [blob, size]));
  const copied = await copyImage(store, source, { ...options, expected: blobs, present, locked: true, onLayer: (blob) => locks.release(blob) });
  const got = digestOf(copied.manifest);
  if (got !== digest && !instancesOf(raw).includes(got)) return undefined;
  const before = store.catalog.find(name)?.id;
  const digests = [...new Set([top, got])].map((each) => withDigest(name, each));
  const image = await recordImage(store, { ...copied, names: name.includes("@") ? [] : [name], digests });
  return { image, name, changed: image.id !== before };
}

const inspect = (source: string, options: RegistryOptions): Promise<string> =>
  runSkopeo(["inspect", "--raw", ...registryFlags("", options), source], options);

/** The image that the manifest is known to mean, with the name attached to it. */
function knownImage(store: Store, { name, top, options }: { readonly name: string; readonly top: string; readonly options: RegistryOptions }): Pulled | undefined {
  const image = options.platform === undefined ? store.catalog.find(withDigest(name, top)) : undefined;
  return image === undefined || !isWhole(store, image) ? undefined : attach(store, image, name);
}

function attach(store: Store, image: Image, name: string): Pulled {
  const changed = store.catalog.find(name)?.id !== image.id;
  if (!changed) return { image, name, changed };
  const named = { ...image, names: [...image.names, name] };
  store.catalog.put(named);
  return { image: named, name, changed };
}

/** All of an image is there and sound. */
function isWhole(store: Store, image: Image): boolean {
  return existsSync(configFile(store.directory, image.id)) && image.layers.every((diffId) => presentLayer(store, diffId) !== undefined);
}

const withDigest = (name: string, digest: string): string => {
  const { registry, repository } = parseReference(name);
  return formatReference({ registry, repository, digest });
};

const instancesOf = (raw: string): readonly string[] => {
  const manifest = parseManifest(raw);
  return manifest.kind === "index" ? manifest.instances.map(({ digest }) => digest) : [];
};

/** The manifest of this host's image: the one itself, or the right one of an index. */
async function instanceOf(name: string, raw: string, options: RegistryOptions): Promise<{ readonly digest: string; readonly manifest: Extract<Manifest, { kind: "image" }> }> {
  const manifest = parseManifest(raw);
  if (manifest.kind === "image") return { digest: digestOf(raw), manifest };
  const platform = options.platform ?? hostPlatform();
  const chosen = chooseInstance(manifest.instances, platform);
  if (chosen === undefined) {
    const there = manifest.instances.flatMap((each) => (each.platform === undefined || each.platform.os === "unknown" ? [] : [platformText(each.platform)]));
    fail("notFound", `Cannot pull image "${name}": it has no image for ${platformText(platform)}, it has ${[...new Set(there)].join(", ") || "none for any platform"}`, { context: { transient: false } });
  }
  const instance = parseManifest(await inspect(`docker://${withDigest(name, chosen.digest)}`, options));
  if (instance.kind === "index") fail("invalid", `Cannot pull image "${name}": its index leads to another index`);
  return { digest: chosen.digest, manifest: instance };
}

/** An image may have a layer twice. */
const uniqueBlobs = (blobs: readonly Blob[]): readonly Blob[] => [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];

const isPresent = (store: Store, blob: Blob): boolean => layerOfBlob(store, blob) !== undefined;

interface BlobLocks extends Disposable {
  release(digest: string): void;
}

/**
 * Locks every blob that the store does not have, so that it is fetched once: who comes second waits here, and then has
 * it. In the order of their names, so that no two processes wait for each other.
 */
async function lockMissing(store: Store, blobs: readonly Blob[], { signal }: PullOptions): Promise<BlobLocks> {
  const held = new Map<string, Lock>();
  const locks: BlobLocks = {
    release(digest) {
      held.get(digest)?.[Symbol.dispose]();
      held.delete(digest);
    },
    [Symbol.dispose]: () => held.forEach((lock) => lock[Symbol.dispose]()),
  };
  try {
    for (const blob of blobs.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))) {
      if (isPresent(store, blob)) continue;
      held.set(blob.digest, await takeLock(blobLock(store.directory, blob.digest), { ...(signal && { signal }) }));
      if (isPresent(store, blob)) locks.release(blob.digest);
    }
    return locks;
  } catch (thrown) {
    locks[Symbol.dispose]();
    throw thrown;
  }
}

interface EngineSource {
  readonly name: string;
  readonly source: string;
}

/** From another engine of this host; undefined when it does not have the image. Its id is asked first: it is the same everywhere. */
async function pullFromEngine(store: Store, { name, source }: EngineSource, options: NameOptions): Promise<Pulled | undefined> {
  options.progress?.({ step: "read", source });
  try {
    const found = await identify(source, options);
    const image = found === undefined ? undefined : store.catalog.find(found.id);
    if (image !== undefined && isWhole(store, image)) return attach(store, image, name);
    const present = new Map((found?.diffIds ?? []).flatMap((diffId) => {
      const layer = presentLayer(store, diffId);
      return layer === undefined ? [] : [[diffId, layer.size]];
    }));
    const copied = await copyImage(store, source, { ...options, present });
    const before = store.catalog.find(name)?.id;
    const recorded = await recordImage(store, { ...copied, names: [name] });
    return { image: recorded, name, changed: recorded.id !== before };
  } catch (thrown) {
    if (thrown instanceof WherryError && thrown.kind === "notFound") return undefined;
    throw thrown;
  }
}

/** Undefined when it can only be told by copying it. */
async function identify(source: string, options: NameOptions): Promise<{ readonly id: string; readonly diffIds: readonly string[] } | undefined> {
  if (source.startsWith("docker-daemon:")) {
    const id = await dockerImageId(source, { environment: options.environment ?? {}, builtHere: options.short });
    return id === undefined ? undefined : { id, diffIds: [] };
  }
  const config = await runSkopeo(["inspect", "--config", "--raw", source], options);
  return { id: digestOf(config), diffIds: parseImageConfig(config).diffIds };
}
