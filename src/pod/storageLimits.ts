/** What pods may store on disk, and whether they store more (kubelet pkg/kubelet/eviction `localStorageEviction`). */
import { exec } from "../base/exec.ts";
import { existsSync } from "node:fs";
import { podDiskDirectory, podLogDirectory } from "../base/paths.ts";
import { bytesOf, type Pod } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import type { PodHost } from "./pod.ts";
import { limitedVolumes, volumeDirectory } from "./volumes.ts";

/** Milliseconds between two looks at a pod that has such limits, as of the kubelet's eviction manager; others are never looked at. */
export const MEASURE_EVERY = 10_000;
/** Milliseconds that measuring may take. */
const PATIENCE = 600_000;

const limitOf = (container: Pod["spec"]["containers"][number]): string | undefined => container.resources.limits["ephemeral-storage"];

/** Whether anything of a pod has to be measured. */
export function limitsStorage({ spec }: Pod): boolean {
  const volumes = spec.volumes.some((volume) => "emptyDir" in volume && (volume.emptyDir.medium ?? "") === "" && bytesOf(volume.emptyDir.sizeLimit ?? "0") > 0);
  return volumes || [...spec.initContainers, ...spec.containers].some((container) => limitOf(container) !== undefined);
}

interface Usage {
  readonly pod: Pod;
  /** emptyDirs on disk with a limit. */
  readonly volumes: readonly { readonly name: string; readonly limit: string; readonly bytes: number }[];
  /** Bytes of all emptyDirs on disk. */
  readonly allVolumes: number;
  /** Bytes of writable layer and logs, by container. */
  readonly containers: ReadonlyMap<string, number>;
}

/** Why a pod is to be evicted, in the kubelet's words; undefined when it keeps to its limits. Pure. */
export function evictionOf({ pod, volumes, allVolumes, containers }: Usage): string | undefined {
  const volume = volumes.find(({ bytes, limit }) => bytes > bytesOf(limit));
  if (volume !== undefined) return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${volume.limit}". `;
  const limits = pod.spec.containers.flatMap((container) => limitOf(container) ?? []);
  const total = limits.reduce((sum, limit) => sum + bytesOf(limit), 0);
  const used = [...containers.values()].reduce((sum, bytes) => sum + bytes, allVolumes);
  if (limits.length > 0 && used > total) return `Pod ephemeral local storage usage exceeds the total limit of containers ${limits.length === 1 ? limits[0] : total}. `;
  const container = pod.spec.containers.find((each) => (containers.get(each.name) ?? 0) > bytesOf(limitOf(each) ?? String(Number.MAX_SAFE_INTEGER)));
  return container === undefined ? undefined : `Container ${container.name} exceeded its local ephemeral storage limit "${limitOf(container)}". `;
}

/** Measures a pod, by one du(1). */
export async function measure(host: PodHost, record: PodRecord): Promise<string | undefined> {
  const limited = limitedVolumes(host, record);
  const directories = record.pod.spec.volumes.flatMap((volume) => ("emptyDir" in volume && (volume.emptyDir.medium ?? "") === "" ? [volumeDirectory(host, record, volume)] : []));
  const containers = host.state.containers(record.uid).map((container) => ({ name: container.name, paths: pathsOf(host, record, container) }));
  const sizes = await sizesOf([...directories, ...containers.flatMap(({ paths }) => paths)]);
  const size = (path: string): number => sizes.get(path) ?? 0;
  return evictionOf({
    pod: record.pod,
    volumes: limited.map(({ name, limit, directory }) => ({ name, limit, bytes: size(directory) })),
    allVolumes: directories.reduce((sum, path) => sum + size(path), 0),
    containers: new Map(containers.map(({ name, paths }) => [name, paths.reduce((sum, path) => sum + size(path), 0)])),
  });
}

function pathsOf(host: PodHost, record: PodRecord, { name, state }: ContainerRecord): readonly string[] {
  const { namespace, name: pod } = record.pod.metadata;
  const layer = "id" in state ? [`${podDiskDirectory(host.paths, record.uid)}/containers/${state.id}/upper`] : [];
  return [...layer, `${podLogDirectory(host.paths, namespace, pod, record.uid)}/${name}`];
}

/** Bytes on disk below each path. What goes away meanwhile counts as far as it was seen. */
async function sizesOf(paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const there = paths.filter((path) => existsSync(path));
  if (there.length === 0) return new Map();
  const { stdout } = await exec(["du", "-s", "-x", "-B1", "--", ...there], { timeout: PATIENCE, allowFailure: true });
  return new Map(stdout.split("\n").flatMap((line) => {
    const [, bytes, path] = /^(\d+)\t(.*)$/.exec(line) ?? [];
    return bytes === undefined || path === undefined ? [] : [[path, Number(bytes)] as const];
  }));
}
