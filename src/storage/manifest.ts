/** Image manifests and indexes: OCI (image-spec manifest.md, image-index.md) and Docker schema 2, which have the same fields. Pure. */
import { fail } from "../base/errors.ts";
import { parseJson, record, string } from "./imageConfig.ts";
import { hexOf } from "./layout.ts";
import type { Platform } from "./skopeo.ts";
import type { Blob } from "./storage.ts";

/** One image of an index. */
export interface Instance {
  readonly digest: string;
  /** Absent when the index does not say. */
  readonly platform?: Platform;
}

export type Manifest =
  | { readonly kind: "image"; readonly config: Blob; /** lowest first */ readonly layers: readonly Blob[] }
  | { readonly kind: "index"; readonly instances: readonly Instance[] };

/** `sha256:…` of some bytes. */
export const digestOf = (bytes: Uint8Array | string): string => `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

/** Kind `invalid` when the text is no manifest that describes a container image. */
export function parseManifest(text: string): Manifest {
  const root = record(parseJson(text), "the manifest");
  if (root["schemaVersion"] === 1) fail("invalid", "Cannot read the image: its manifest is of Docker's schema 1, it should be of schema 2 or OCI", { hint: "push it again with a current tool" });
  if (Array.isArray(root["manifests"])) return { kind: "index", instances: root["manifests"].map(instanceOf) };
  const { layers } = root;
  if (!Array.isArray(layers) || root["config"] === undefined) fail("invalid", "Cannot read the image: its manifest has no configuration and layers, it is of something else");
  return { kind: "image", config: blobOf(root["config"], "config"), layers: layers.map((layer: unknown) => blobOf(layer, "a layer")) };
}

function blobOf(value: unknown, what: string): Blob {
  const fields = record(value, what);
  const digest = string(fields["digest"], `${what}'s digest`);
  hexOf(digest); // digests become names of files
  return { digest, size: numberOf(fields["size"]) };
}

const numberOf = (value: unknown): number => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0);

function instanceOf(value: unknown): Instance {
  const fields = record(value, "a manifest of the index");
  const digest = string(fields["digest"], "a manifest's digest");
  hexOf(digest);
  if (fields["platform"] === undefined) return { digest };
  const platform = record(fields["platform"], "platform");
  const variant = string(platform["variant"], "platform.variant");
  return {
    digest,
    platform: { os: string(platform["os"], "platform.os"), architecture: string(platform["architecture"], "platform.architecture"), ...(variant === "" ? {} : { variant }) },
  };
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** This host, as images call it. */
export const hostPlatform = (): Platform => ({ os: "linux", architecture: ARCHITECTURES[process.arch] ?? process.arch });

/** Variants that a processor runs besides its own, best first (containers/image `pkg/platform`). */
const VARIANTS: Readonly<Record<string, readonly string[]>> = { arm: ["v8", "v7", "v6", "v5"], arm64: ["v8"], amd64: ["v1"] };

/** The instance for a platform, and undefined when there is none. An instance without a variant suits all. */
export function chooseInstance(instances: readonly Instance[], wanted: Platform): Instance | undefined {
  const fitting = instances.filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture);
  const known = VARIANTS[wanted.architecture] ?? [];
  const usable = wanted.variant === undefined ? known : known.slice(Math.max(0, known.indexOf(wanted.variant)));
  const order: readonly (string | undefined)[] = wanted.variant === undefined ? [undefined, ...usable] : [...new Set([wanted.variant, ...usable]), undefined];
  return order.map((variant) => fitting.find(({ platform }) => platform?.variant === variant)).find((found) => found !== undefined) ?? (wanted.variant === undefined ? fitting[0] : undefined);
}

/** `linux/arm64/v8` */
export const platformText = ({ os, architecture, variant }: Platform): string => [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
