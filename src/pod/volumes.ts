/** A pod's volumes: what is made for them with the sandbox, and what of them a container gets. */
import { fail } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { podDirectory, podDiskDirectory } from "../base/paths.ts";
import type { Bind } from "../container/container.ts";
import { bytesOf, type Container, type Volume, type VolumeMount } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { prepareHostPath } from "../storage/hostPath.ts";
import { openSubPath, type SubPath } from "../storage/subPath.ts";
import { configMapFiles, secretFiles } from "../storage/volumeFiles.ts";
import { makeConfigVolume, makeEmptyDir, makeMemoryVolume, makeSecretVolume } from "../storage/volumes.ts";
import type { ConfigSource, PodHost } from "./pod.ts";

/** Where a volume is: on disk when it may be large, on tmpfs when it is small or secret, in place when it is the host's. */
export function volumeDirectory(host: PodHost, record: PodRecord, volume: Volume): string {
  if ("hostPath" in volume) return volume.hostPath.path;
  const onDisk = "emptyDir" in volume && volume.emptyDir.medium !== "Memory";
  const directory = onDisk ? podDiskDirectory(host.paths, record.uid) : podDirectory(host.paths, record.uid);
  return `${directory}/volumes/${volume.name}`;
}

/** Makes, or brings up to date, every volume of a pod. Fails with the kubelet's sentence. */
export async function makeVolumes(host: PodHost, record: PodRecord, config: ConfigSource): Promise<void> {
  for (const volume of record.pod.spec.volumes) makeVolume(volumeDirectory(host, record, volume), { volume, namespace: record.pod.metadata.namespace, config });
}

function makeVolume(directory: string, { volume, namespace, config }: { readonly volume: Volume; readonly namespace: string; readonly config: ConfigSource }): void {
  if ("hostPath" in volume) return prepareHostPath(volume.hostPath.path, volume.hostPath.type);
  ensureDirectory(directory);
  if ("emptyDir" in volume) {
    const { medium, sizeLimit } = volume.emptyDir;
    if (medium !== "Memory") return makeEmptyDir(directory);
    return makeMemoryVolume(directory, sizeLimit === undefined ? {} : { size: bytesOf(sizeLimit) });
  }
  if ("configMap" in volume) makeConfigVolume(directory, configMapFiles(named(config.configMaps(namespace), volume.configMap.name), volume.configMap));
  else if ("secret" in volume) makeSecretVolume(directory, secretFiles(named(config.secrets(namespace), volume.secret.secretName), volume.secret));
  else fail("unsupported", `Cannot make volume "${volume.name}": its source is not supported yet`);
}

const named = <T extends { readonly metadata: { readonly name: string } }>(objects: readonly T[], name: string): T | undefined =>
  objects.find(({ metadata }) => metadata.name === name);

/** Binds of a container. Sources of subPaths are held open: dispose when the OCI runtime has created the container. */
export interface Binds extends Disposable {
  readonly binds: readonly Bind[];
}

export function bindsOf(host: PodHost, record: PodRecord, container: Container): Binds {
  const open: SubPath[] = [];
  const dispose = (): void => open.forEach((each) => each[Symbol.dispose]());
  try {
    const binds = [...podBinds(host, record, container), ...container.volumeMounts.map(bindOf)];
    return { binds, [Symbol.dispose]: dispose };
  } catch (thrown) {
    dispose();
    throw thrown;
  }

  function bindOf(mount: VolumeMount, index: number): Bind {
    const volume = record.pod.spec.volumes.find(({ name }) => name === mount.name) ?? fail("invalid", `Cannot mount volume "${mount.name}": the pod has no such volume`);
    const directory = volumeDirectory(host, record, volume);
    const readOnly = mount.readOnly || "configMap" in volume || "secret" in volume;
    if (mount.subPath === undefined || mount.subPath === "") return { source: directory, destination: mount.mountPath, readOnly, recursive: "hostPath" in volume };
    const found = openSubPath(directory, mount.subPath, { at: `${podDirectory(host.paths, record.uid)}/subpaths/${container.name}-${index}` });
    open.push(found);
    return { source: found.source, destination: mount.mountPath, readOnly, recursive: "hostPath" in volume };
  }
}

/** What every container of the pod gets, unless the container mounts something of its own there. */
function podBinds(host: PodHost, record: PodRecord, container: Container): readonly Bind[] {
  const directory = podDirectory(host.paths, record.uid);
  const files = ["hosts", "resolv.conf", "hostname"].map((name): Bind => ({ source: `${directory}/${name}`, destination: `/etc/${name}`, readOnly: false, recursive: false }));
  const shm: Bind = { source: record.pod.spec.hostIPC === true ? "/dev/shm" : `${directory}/shm`, destination: "/dev/shm", readOnly: false, recursive: false };
  const own = new Set(container.volumeMounts.map(({ mountPath }) => mountPath.replace(/\/+$/, "")));
  return [...files, shm].filter(({ destination }) => !own.has(destination));
}
