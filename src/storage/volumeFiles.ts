/** The files of configMap and secret volumes, as the kubelet projects them. Pure. */
import { fail } from "../base/errors.ts";
import type { ConfigMap, ConfigVolume, Secret } from "../spec/spec.ts";

export interface VolumeFile {
  /** Relative path, several components are allowed. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** The files of a configMap volume. An object that is missing is undefined. Kind `failed` with the kubelet's sentence when something is missing and not optional. */
export function configMapFiles(configMap: ConfigMap | undefined, volume: ConfigVolume & { readonly name: string }): readonly VolumeFile[] {
  if (configMap === undefined) return missing("configmap", volume.name, volume);
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(configMap.data)) data.set(key, Buffer.from(text));
  for (const [key, text] of Object.entries(configMap.binaryData)) data.set(key, Buffer.from(text, "base64"));
  return project(data, volume, { kind: "configmap", key: "config" });
}

/** The files of a secret volume; otherwise as `configMapFiles`. */
export function secretFiles(secret: Secret | undefined, volume: ConfigVolume & { readonly secretName: string }): readonly VolumeFile[] {
  if (secret === undefined) return missing("secret", volume.secretName, volume);
  const data = new Map<string, Uint8Array>(Object.entries(secret.data).map(([key, text]) => [key, Buffer.from(text, "base64")]));
  return project(data, volume, { kind: "secret", key: "secret" });
}

function missing(kind: string, name: string, volume: ConfigVolume): readonly VolumeFile[] {
  return volume.optional ? [] : fail("failed", `Cannot set up volume: ${kind} "${name}" not found`);
}

function project(data: ReadonlyMap<string, Uint8Array>, volume: ConfigVolume, words: { readonly kind: string; readonly key: string }): readonly VolumeFile[] {
  if (volume.items === undefined || volume.items.length === 0) {
    return [...data].map(([path, content]) => ({ path, content, mode: volume.defaultMode }));
  }
  return volume.items.flatMap((item) => {
    const content = data.get(item.key);
    if (content !== undefined) return [{ path: item.path, content, mode: item.mode ?? volume.defaultMode }];
    return volume.optional ? [] : fail("failed", `Cannot set up volume: ${words.kind} references non-existent ${words.key} key: ${item.key}`);
  });
}
