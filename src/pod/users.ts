/** `hostUsers: false`: the user namespace of a pod, the ids that are its own, and what of ours its root must get at. */
import { chmodSync, chownSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { podDirectory } from "../base/paths.ts";
import type { Users } from "../container/container.ts";
import type { PodRecord } from "../state/state.ts";
import { IDS_PER_POD } from "./idRanges.ts";
import type { PodHost } from "./pod.ts";

export const ownsUsers = ({ pod }: PodRecord): boolean => pod.spec.hostUsers === false;

/** Where a pod's user namespace is pinned. */
export const usersFile = (host: Pick<PodHost, "paths">, { uid }: PodRecord): string => `${podDirectory(host.paths, uid)}/userns`;

/** The user namespace of a pod; undefined when it has none of its own. */
export function usersOf(host: Pick<PodHost, "paths">, record: PodRecord): Users | undefined {
  if (!ownsUsers(record)) return undefined;
  const first = record.ids ?? fail("failed", `Cannot use the user namespace of pod "${record.pod.metadata.name}": it has no ids yet`);
  return { path: usersFile(host, record), first, count: IDS_PER_POD };
}

/** Gives a pod its ids, which are recorded before they are its own. Returns its record as it is then. */
export function claimUsers(host: Pick<PodHost, "paths" | "state" | "kernel">, record: PodRecord): PodRecord {
  if (!ownsUsers(record)) return record;
  const ids = host.kernel.ids.claim({ owner: podDirectory(host.paths, record.uid), recorded: record.ids, record: (first) => host.state.updatePod(record.uid, { ids: first }) });
  return { ...record, ids };
}

/** Gives them back, when nothing of the pod is left. */
export function releaseUsers(host: Pick<PodHost, "paths" | "kernel">, { uid, ids }: PodRecord): void {
  if (ids !== undefined) host.kernel.ids.release(podDirectory(host.paths, uid), ids);
}

/** Where files are mounted anew with the ids of the pod, for as long as a container is being made. */
export const mappedAt = (host: Pick<PodHost, "paths">, { uid }: PodRecord, name: string): string => `${podDirectory(host.paths, uid)}/mapped/${name}`;

/**
 * The OCI runtime sets a container up as root of the pod, who is nobody on the host, and looks the root filesystem and
 * all that it binds up by their paths. The way there may be gone by everybody, but not seen; the pod's own directories
 * may be entered by its root's group alone.
 */
export function openWay(host: Pick<PodHost, "paths">, record: PodRecord, directories: readonly string[] = []): void {
  const users = usersOf(host, record);
  if (users === undefined) return;
  const own = podDirectory(host.paths, record.uid);
  for (const directory of [host.paths.runtime, `${host.paths.runtime}/pods`]) chmodSync(directory, 0o711);
  for (const directory of [own, `${own}/containers`, `${own}/mapped`, ...directories]) {
    ensureDirectory(directory);
    chownSync(directory, 0, users.first);
    chmodSync(directory, 0o710);
  }
}
