/** A pod's volumes: where they are, what is made for them with the sandbox, and what is updated while it stands. */
import { totalmem } from "node:os";
import { fail, messageOf } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { podDirectory, podDiskDirectory } from "../base/paths.ts";
import { bytesOf, type EmptyDir, type Volume } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { prepareHostPath } from "../storage/hostPath.ts";
import { layerDirectory } from "../storage/layout.ts";
import { ownVolume } from "../storage/ownership.ts";
import { makeConfigVolume, makeEmptyDir, makeHugePagesVolume, makeMemoryVolume, makeSecretVolume } from "../storage/volumes.ts";
import { type ClaimVolume, claimOf, ensureEphemeral, isClaim, pathOf, provide, refuseSecondPod } from "./claims.ts";
import { mediumOf } from "./emptyDir.ts";
import { allocatableOf } from "./facts.ts";
import type { ConfigSource, PodHost, PodReporter } from "./pod.ts";
import { filesOf, isProjected, isSecret, type ProjectedVolume } from "./projectedFiles.ts";
import { usersOf } from "./users.ts";
import { type ImageSource, type Pulling, volumeImage } from "./volumeImage.ts";

/** Where a volume is: on disk when it may be large, on tmpfs when it is small or secret, in place when it is the host's or a claim's. */
export function volumeDirectory(host: PodHost, record: PodRecord, volume: Volume): string {
  if ("hostPath" in volume) return volume.hostPath.path;
  if (isClaim(volume)) return pathOf(claimOf(host, record, volume));
  const onDisk = "emptyDir" in volume && (volume.emptyDir.medium ?? "") === "";
  const directory = onDisk ? podDiskDirectory(host.paths, record.uid) : podDirectory(host.paths, record.uid);
  return `${directory}/volumes/${volume.name}`;
}

/** Makes, or brings up to date, every volume of a pod. Fails with the kubelet's sentence. */
export async function makeVolumes(host: PodHost, record: PodRecord, from: Pulling): Promise<void> {
  for (const volume of record.pod.spec.volumes) await makeVolume(host, record, { volume, ...from });
}

async function makeVolume(host: PodHost, record: PodRecord, { volume, config, signal }: Pulling & { readonly volume: Volume }): Promise<void> {
  if ("hostPath" in volume) return prepareHostPath(volume.hostPath.path, volume.hostPath.type);
  if (isClaim(volume)) return await makeClaim(host, record, volume);
  const directory = volumeDirectory(host, record, volume);
  ensureDirectory(directory);
  if (isProjected(volume)) project(host, record, { volume, directory, config });
  else if ("image" in volume) await mountImageVolume(host, record, { source: volume.image, directory, config, signal });
  else await makeEmpty(record, volume.emptyDir, directory);
}

interface Projecting {
  readonly volume: ProjectedVolume;
  readonly directory: string;
  readonly config: ConfigSource;
}

/** Returns whether its files changed. */
function project(host: PodHost, record: PodRecord, { volume, directory, config }: Projecting): boolean {
  const files = filesOf(volume, { record, config, allocatable: () => allocatableOf(host) });
  const make = isSecret(volume) ? makeSecretVolume : makeConfigVolume;
  return make(directory, files, { group: record.pod.spec.securityContext?.fsGroup });
}

async function mountImageVolume(host: PodHost, record: PodRecord, { source, directory, ...from }: Pulling & { readonly source: ImageSource; readonly directory: string }): Promise<void> {
  const image = await volumeImage(host, record, { source, ...from });
  const users = usersOf(host, record);
  const layers = image.layers.map((layer) => layerDirectory(host.paths.durable, layer));
  host.kernel.mountImage({ layers, target: directory, ...(users === undefined ? {} : { users: { users: users.path, at: `${directory}.layers` } }) });
}

async function makeEmpty({ pod }: PodRecord, emptyDir: EmptyDir, directory: string): Promise<void> {
  const medium = mediumOf(emptyDir, pod, { memory: totalmem() });
  if (medium.is === "disk") makeEmptyDir(directory);
  else if (medium.is === "memory") makeMemoryVolume(directory, medium);
  else makeHugePagesVolume(directory, medium);
  const group = pod.spec.securityContext?.fsGroup;
  if (group !== undefined) await ownVolume(directory, group, { readOnly: false, onlyOnMismatch: false });
}

async function makeClaim(host: PodHost, record: PodRecord, volume: ClaimVolume): Promise<void> {
  if ("ephemeral" in volume) ensureEphemeral(host, record, volume);
  const claim = claimOf(host, record, volume);
  refuseSecondPod(host, record, claim);
  provide(claim);
  const { fsGroup, fsGroupChangePolicy } = record.pod.spec.securityContext ?? {};
  const { spec } = claim.volume;
  if (fsGroup === undefined || "hostPath" in spec || spec.volumeMode === "Block") return; // hostPath volumes are nobody's to give away
  const readOnly = "persistentVolumeClaim" in volume && volume.persistentVolumeClaim.readOnly;
  await ownVolume(pathOf(claim), fsGroup, { readOnly, onlyOnMismatch: fsGroupChangePolicy === "OnRootMismatch" });
}

/** Gives running containers the present files of their configMap, secret, downwardAPI and projected volumes, each volume all at once. */
export function updateVolumes(host: PodHost, record: PodRecord, { config, reporter }: { readonly config: ConfigSource; readonly reporter: PodReporter }): void {
  for (const volume of record.pod.spec.volumes.filter(isProjected)) {
    try {
      if (project(host, record, { volume, directory: volumeDirectory(host, record, volume), config })) reporter.progress(`volume ${volume.name} updated`);
    } catch (thrown) {
      reporter.event({ type: "Warning", reason: "FailedMount", message: `MountVolume.SetUp failed for volume "${volume.name}": ${messageOf(thrown)}`, fieldPath: "" });
    }
  }
}

/** The volumes on disk with a limit that has to be measured, in bytes. */
export function limitedVolumes(host: PodHost, record: PodRecord): readonly { readonly name: string; readonly directory: string; readonly limit: string }[] {
  return record.pod.spec.volumes.flatMap((volume) => {
    if (!("emptyDir" in volume) || (volume.emptyDir.medium ?? "") !== "") return [];
    const { sizeLimit } = volume.emptyDir;
    return sizeLimit === undefined || bytesOf(sizeLimit) === 0 ? [] : [{ name: volume.name, directory: volumeDirectory(host, record, volume), limit: sizeLimit }];
  });
}

/** The volume that a mount or device names. */
export function volumeOf({ pod }: PodRecord, name: string): Volume {
  return pod.spec.volumes.find((volume) => volume.name === name) ?? fail("invalid", `Cannot mount volume "${name}": the pod has no such volume`);
}
