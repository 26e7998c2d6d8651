/** How a container ended: from the monitor's record, or found out after a crash. */
import { removeTree } from "../base/files.ts";
import { bundleDirectory, podDirectory, podDiskDirectory } from "../base/paths.ts";
import type { ContainerExit, ContainerId, ContainerState, PodUid, Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { specOf } from "./image.ts";
import type { PodHost } from "./pod.ts";
import { terminationMessage } from "./terminationMessage.ts";

/** The kubelet's words for an end. Without a recorded exit nobody knows the status: 137, `ContainerStatusUnknown`. */
export function terminated(state: ContainerState, exit: ContainerExit | undefined, now: number): Terminated {
  const id = "id" in state ? state.id : undefined;
  if (id === undefined) throw new Error("a container that never had an id cannot end");
  const startedAt = state.status === "running" || state.status === "terminated" ? state.startedAt : 0;
  if (exit === undefined) {
    return { status: "terminated", id, exitCode: 137, reason: "ContainerStatusUnknown", message: "The container could not be located when it ended", startedAt, finishedAt: now };
  }
  const reason = exit.oomKilled ? "OOMKilled" : exit.exitCode === 0 ? "Completed" : "Error";
  const signal = exit.exitCode > 128 ? { signal: exit.exitCode - 128 } : {};
  return { status: "terminated", id, exitCode: exit.exitCode, ...signal, reason, startedAt, finishedAt: exit.finishedAt };
}

/** Gives back what an ended container still holds: the runtime's record, cgroup and root filesystem. The bundle stays for `inspect`. */
export async function releaseContainer(host: PodHost, uid: PodUid, id: ContainerId): Promise<void> {
  const bundle = bundleDirectory(host.paths, uid, id);
  await host.runtime.remove(id, bundle);
  host.kernel.unmountRootfs(`${bundle}/rootfs`);
}

/** Takes everything of one start away: what runs, mounts, bundle and writable layer. Its log stays. */
export async function discard(host: PodHost, record: PodRecord, id: ContainerId): Promise<void> {
  await releaseContainer(host, record.uid, id);
  await removeTree(`${podDirectory(host.paths, record.uid)}/containers/${id}`);
  await removeTree(`${podDiskDirectory(host.paths, record.uid)}/containers/${id}`);
}

export type Found =
  | { readonly is: "alive"; readonly id: ContainerId; readonly bundle: string }
  | { readonly is: "ended"; readonly end: Terminated }
  /** It was being made; it has been unmade. */
  | { readonly is: "undone" }
  | { readonly is: "settled" };

/** Compares a container's record with what there is, and finishes or undoes what a crash left half-way. */
export async function recoverContainer(host: PodHost, record: PodRecord, container: ContainerRecord): Promise<Found> {
  const { state } = container;
  if (state.status !== "creating" && state.status !== "running") return { is: "settled" };
  const bundle = bundleDirectory(host.paths, record.uid, state.id);
  if (state.status === "creating") {
    await discard(host, record, state.id);
    return { is: "undone" };
  }
  const observed = await host.runtime.observe(state.id, bundle);
  if (observed.monitored) return { is: "alive", id: state.id, bundle };
  const exit = await host.runtime.ended(bundle);
  await releaseContainer(host, record.uid, state.id);
  const end = terminated(state, exit, host.now());
  return { is: "ended", end: { ...end, ...(await terminationMessage(host, record, { spec: specOf(record, container), container, end })) } };
}
