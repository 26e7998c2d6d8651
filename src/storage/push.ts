/** Images to registries, and to every other place that skopeo can copy to (containers-transports(5)). */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fail, messageOf, WherryError } from "../base/errors.ts";
import { parseJson, record } from "./imageConfig.ts";
import { readConfigBlob } from "./details.ts";
import { type ExportOptions, manifestText, type ManifestType, writeLayers } from "./export.ts";
import { digestLock, hexOf, makeTemporary, recoverStorage, storeLock, takeLock } from "./layout.ts";
import { imageCalled, nameMeant } from "./tags.ts";
import { formatReference, parseReference } from "./references.ts";
import { registryFlags, runSkopeo, type SkopeoOptions } from "./skopeo.ts";
import type { Image, Store } from "./storage.ts";

export interface PushOptions extends ExportOptions, Omit<SkopeoOptions, "platform" | "scratch"> {
  /** Of the manifest; what the configuration looks like when absent. */
  readonly type?: ManifestType;
}

export interface Pushed {
  readonly image: Image;
  /** As skopeo calls it, `docker://docker.io/library/nginx:1`. */
  readonly destination: string;
  /** `sha256:…` of the manifest at the destination */
  readonly digest: string;
}

const TRANSPORT = /^(docker|docker-archive|docker-daemon|oci|oci-archive|dir|containers-storage|ostree|sif):/;

/**
 * Copies an image to `destination`: a name in a registry (the image's own when absent), or anything with one of
 * skopeo's transports before it. Layers are compressed on the way to a registry, unless it has them. Kinds `notFound`,
 * `invalid`, and `failed` with skopeo's reason.
 */
export async function pushImage(store: Store, reference: string, options: PushOptions & { readonly destination?: string }): Promise<Pushed> {
  await recoverStorage(store.directory);
  using _lock = await takeLock(storeLock(store.directory), { shared: true, ...(options.signal && { signal: options.signal }) });
  const image = imageCalled(store, reference);
  const destination = destinationOf(image, reference, options.destination);
  await using temporary = makeTemporary(store.directory);
  await writeDirectory(store, image, { ...options, directory: temporary.path, type: options.type ?? typeFor(destination, readConfigBlob(store.directory, image.id).toString()) });
  options.onStep?.(`sending to ${destination}`);
  const digest = await send(temporary.path, destination, options);
  await rememberDigest(store, image.id, { destination, digest });
  return { image, destination, digest };
}

function destinationOf(image: Image, reference: string, asked: string | undefined): string {
  const to = asked ?? nameMeant(image, reference) ?? image.names[0];
  if (to === undefined) fail("usage", `Cannot push image "${reference}": it has no name, the destination should be named`);
  return TRANSPORT.test(to) ? to : `docker://${formatReference(parseReference(to))}`;
}

/**
 * Docker's manifest where only Docker's will do, and for configurations that Docker wrote, so that the image goes as
 * it came. skopeo would convert a Docker configuration on its way into an OCI layout, and the image would be another one.
 */
function typeFor(destination: string, config: string): ManifestType {
  if (destination.startsWith("oci")) return "oci";
  if (/^docker-(archive|daemon):/.test(destination)) return "v2s2";
  const root = record(parseJson(config), "it");
  const inner = record(root["config"] ?? {}, "config");
  return ["docker_version", "container", "container_config"].some((key) => key in root) || "Healthcheck" in inner ? "v2s2" : "oci";
}

/** skopeo's `dir:` form, which it takes as it is: `version`, `manifest.json`, and every blob by its digest. */
async function writeDirectory(store: Store, image: Image, to: ExportOptions & { readonly directory: string; readonly type: ManifestType }): Promise<void> {
  await writeLayers(store, [{ image, names: [] }], { ...to, path: (hex) => hex });
  const config = readConfigBlob(store.directory, image.id);
  writeFileSync(`${to.directory}/${hexOf(image.id)}`, config);
  writeFileSync(`${to.directory}/version`, "Directory Transport Version: 1.1\n");
  writeFileSync(`${to.directory}/manifest.json`, manifestText(image, config, { type: to.type, sizeOf: (diffId) => statSync(`${to.directory}/${hexOf(diffId)}`).size }));
}

/** The image has been judged by the policy when it came into the store; what leaves is not asked again. */
async function send(directory: string, destination: string, options: PushOptions): Promise<string> {
  const words = ["copy", "--insecure-policy", "--quiet", `--digestfile=${directory}/digest`, ...registryFlags("dest-", options), `dir:${directory}`, destination];
  try {
    await runSkopeo(words, { ...options, scratch: directory });
  } catch (thrown) {
    if (options.signal?.aborted === true || !(thrown instanceof WherryError)) throw thrown;
    fail("failed", `Cannot push to "${destination}": ${messageOf(thrown)}`, { cause: thrown, code: thrown.code, context: thrown.context, ...hintFor(thrown.message) });
  }
  return readFileSync(`${directory}/digest`, "utf8").trim();
}

const hintFor = (reason: string): { readonly hint?: string } =>
  /unauthorized|denied|authentication/i.test(reason) ? { hint: "wherry login REGISTRY, or --creds, says who you are" } : {};

/** By this digest the image can be asked for from now on, as if it had been pulled. */
async function rememberDigest(store: Store, id: string, { destination, digest }: { readonly destination: string; readonly digest: string }): Promise<void> {
  if (!destination.startsWith("docker://")) return;
  const { registry, repository } = parseReference(destination.slice("docker://".length));
  using _lock = await takeLock(digestLock(store.directory, id));
  const image = store.catalog.find(id);
  if (image === undefined) return;
  store.catalog.put({ ...image, digests: [...new Set([...image.digests, formatReference({ registry, repository, digest })])] });
}
