/** `describe persistentvolumeclaim` and `describe persistentvolume`, as kubectl prints them. Pure. */
import type { PersistentVolume } from "../../spec/spec.ts";
import type { ClaimRecord, EventRecord } from "../../state/state.ts";
import { shortModes } from "../kinds/volumeObjects.ts";
import { eventLines } from "./events.ts";
import { block, line, list, pairs, render, when } from "./lines.ts";

export interface ClaimFacts {
  readonly events: readonly EventRecord[];
  /** Names of the pods that have it. */
  readonly usedBy: readonly string[];
  readonly now: number;
}

export function describeClaim({ claim, volume, phase, service, boundAt }: ClaimRecord, { events, usedBy, now }: ClaimFacts): string {
  const { metadata, spec } = claim;
  return render([
    line("Name", metadata.name),
    line("Namespace", metadata.namespace),
    line("Service", service),
    line("StorageClass", volume.spec.storageClassName),
    line("Status", phase === "Bound" ? "Bound" : "Terminating"),
    line("Volume", volume.metadata.name),
    ...pairs("Labels", metadata.labels, "="),
    ...pairs("Annotations", metadata.annotations, ": "),
    line("Requested", spec.resources.requests.storage),
    line("Capacity", volume.spec.capacity.storage),
    line("Access Modes", shortModes(volume.spec.accessModes)),
    line("VolumeMode", volume.spec.volumeMode),
    line("Bound Since", when(boundAt)),
    ...list("Used By", usedBy),
    ...eventLines(events, now),
  ]);
}

/** `claim` is the one that has it. */
export function describeVolume({ metadata, spec }: PersistentVolume, claim: ClaimRecord | undefined): string {
  const source = "local" in spec
    ? [line("Type", "LocalVolume (a persistent volume backed by local storage on a node)"), line("Path", spec.local.path)]
    : [line("Type", "HostPath (bare host directory volume)"), line("Path", spec.hostPath.path), line("HostPathType", spec.hostPath.type)];
  return render([
    line("Name", metadata.name),
    ...pairs("Labels", metadata.labels, "="),
    ...pairs("Annotations", metadata.annotations, ": "),
    line("StorageClass", spec.storageClassName),
    line("Status", claim === undefined ? "Available" : "Bound"),
    line("Claim", claim === undefined ? "" : `${claim.claim.metadata.namespace}/${claim.claim.metadata.name}`),
    line("Reclaim Policy", spec.persistentVolumeReclaimPolicy),
    line("Access Modes", shortModes(spec.accessModes)),
    line("VolumeMode", spec.volumeMode),
    line("Capacity", spec.capacity.storage),
    ...block("Source", source),
  ]);
}
