/** The files of configMap, secret, downwardAPI and projected volumes. Pure, but for what the host could give. */
import { fail } from "../base/errors.ts";
import { type Allocatable, fieldValue, resourceValue } from "../container/downward.ts";
import type { DownwardFile, Projection, Volume } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { configMapFiles, secretFiles, type VolumeFile } from "../storage/volumeFiles.ts";
import type { ConfigSource } from "./pod.ts";

/** A volume that holds what the manifest says. */
export type ProjectedVolume = Extract<Volume, { readonly configMap: unknown } | { readonly secret: unknown } | { readonly downwardAPI: unknown } | { readonly projected: unknown }>;

export const isProjected = (volume: Volume): volume is ProjectedVolume => "configMap" in volume || "secret" in volume || "downwardAPI" in volume || "projected" in volume;

/** What is in it never reaches a disk. */
export const isSecret = (volume: ProjectedVolume): boolean => "secret" in volume || ("projected" in volume && volume.projected.sources.some((source) => "secret" in source));

export interface FileSources {
  readonly record: PodRecord;
  readonly config: ConfigSource;
  readonly allocatable: () => Allocatable;
}

/** The files of a volume. Fails with the kubelet's sentence when something is missing and not optional. */
export function filesOf(volume: ProjectedVolume, sources: FileSources): readonly VolumeFile[] {
  if ("configMap" in volume) return sourceFiles({ configMap: volume.configMap }, volume.configMap.defaultMode, sources);
  if ("secret" in volume) return sourceFiles({ secret: { ...volume.secret, name: volume.secret.secretName } }, volume.secret.defaultMode, sources);
  if ("downwardAPI" in volume) return sourceFiles({ downwardAPI: volume.downwardAPI }, volume.downwardAPI.defaultMode, sources);
  const all = volume.projected.sources.flatMap((source) => sourceFiles(source, volume.projected.defaultMode, sources));
  return [...new Map(all.map((file) => [file.path, file])).values()]; // a later source wins, as in the kubelet's collectData
}

function sourceFiles(source: Projection, defaultMode: number, { record, config, allocatable }: FileSources): readonly VolumeFile[] {
  const { namespace } = record.pod.metadata;
  if ("configMap" in source) return configMapFiles(named(config.configMaps(namespace), source.configMap.name), { ...source.configMap, defaultMode });
  if ("secret" in source) return secretFiles(named(config.secrets(namespace), source.secret.name), { ...source.secret, secretName: source.secret.name, defaultMode });
  if ("downwardAPI" in source) return source.downwardAPI.items.map((item) => ({ path: item.path, content: Buffer.from(downwardText(item, record, allocatable)), mode: item.mode ?? defaultMode }));
  return fail("unsupported", "Cannot make a projected volume: there is no API server whose tokens it could hold");
}

/** Files may hold fields that are known before the pod has an address: the others are refused in manifests. */
function downwardText(item: DownwardFile, { pod, uid }: PodRecord, allocatable: () => Allocatable): string {
  if ("resourceFieldRef" in item) return resourceValue(pod, item.resourceFieldRef, allocatable());
  return fieldValue({ pod, uid, node: { name: "", ip: "" }, podIPs: [] }, item.fieldRef.fieldPath);
}

const named = <T extends { readonly metadata: { readonly name: string } }>(objects: readonly T[], name: string): T | undefined =>
  objects.find(({ metadata }) => metadata.name === name);
