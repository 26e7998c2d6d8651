/** Claims as pods use them: which record stands behind a volume, and the claims that go with their pod. */
import { fail } from "../base/errors.ts";
import { CLUSTER, newPodUid, type PersistentVolume, type PersistentVolumeClaim, type Volume } from "../spec/spec.ts";
import type { ClaimRecord, PodRecord } from "../state/state.ts";
import { checkLocalVolume, claimDirectory, makeClaimDirectory, removeClaimDirectory } from "../storage/claimVolume.ts";
import { prepareHostPath } from "../storage/hostPath.ts";
import type { PodHost } from "./pod.ts";

/** A volume with a claim behind it. */
export type ClaimVolume = Extract<Volume, { readonly persistentVolumeClaim: unknown } | { readonly ephemeral: unknown }>;

export const isClaim = (volume: Volume): volume is ClaimVolume => "persistentVolumeClaim" in volume || "ephemeral" in volume;

/** The claim of an ephemeral volume is named after its pod and itself. */
export function claimNameOf(volume: ClaimVolume, pod: string): string {
  return "ephemeral" in volume ? `${pod}-${volume.name}` : volume.persistentVolumeClaim.claimName;
}

/** The record behind a volume. Fails with the scheduler's sentence when there is none. */
export function claimOf(host: Pick<PodHost, "claims">, record: PodRecord, volume: ClaimVolume): ClaimRecord {
  const { namespace, name: pod } = record.pod.metadata;
  const name = claimNameOf(volume, pod);
  const found = host.claims.find(namespace, name);
  if (found === undefined) fail("failed", `Cannot use volume "${volume.name}": persistentvolumeclaim "${name}" not found`);
  if (found.phase === "Removing") fail("failed", `Cannot use volume "${volume.name}": persistentvolumeclaim "${name}" is being deleted`);
  const owner = "ephemeral" in volume ? record.uid : "";
  if (found.owner !== owner) fail("failed", `Cannot use volume "${volume.name}": PVC "${namespace}/${name}" was not created for pod "${namespace}/${pod}"${owner === "" ? ": it belongs to another pod" : " (pod is not owner)"}`);
  return found;
}

/** Path on the host of what satisfies a claim. */
export const pathOf = ({ volume: { spec } }: Pick<ClaimRecord, "volume">): string => ("local" in spec ? spec.local.path : spec.hostPath.path);

/** Makes sure that what satisfies a claim is there. Repeatable. Fails with kind `failed` when it is not and cannot be made. */
export function provide(claim: ClaimRecord): void {
  const { spec } = claim.volume;
  if (claim.directory !== "") makeClaimDirectory(claim.directory);
  else if ("local" in spec) checkLocalVolume(spec.local.path, spec.volumeMode);
  else prepareHostPath(spec.hostPath.path, spec.hostPath.type);
}

/** Records and makes the claim of an ephemeral volume. */
export function ensureEphemeral(host: PodHost, record: PodRecord, volume: Extract<Volume, { readonly ephemeral: unknown }>): void {
  const { namespace, name: pod } = record.pod.metadata;
  const name = claimNameOf(volume, pod);
  if (host.claims.find(namespace, name) === undefined) {
    const { metadata, spec } = volume.ephemeral.volumeClaimTemplate;
    const claim: PersistentVolumeClaim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name, namespace, ...metadata }, spec };
    host.claims.put(dynamicClaim({ claim, service: record.service, owner: record.uid, durable: host.paths.durable, now: host.now() }));
  }
}

export interface DynamicClaim {
  readonly claim: PersistentVolumeClaim;
  readonly service: ClaimRecord["service"];
  /** uid of the pod it goes with, or empty. */
  readonly owner: string;
  /** The durable directory. */
  readonly durable: string;
  readonly now: number;
}

/** Of a claim that names no class, as `get` shows it. */
export const DEFAULT_CLASS = "wherry-local";

/** A claim that a directory of this host's own satisfies: every storage class is that one. */
export function dynamicClaim({ claim, service, owner, durable, now }: DynamicClaim): ClaimRecord {
  const uid = newPodUid();
  const { namespace, name } = claim.metadata;
  const directory = claimDirectory(durable, namespace, name);
  return { service, claim, uid, volume: dynamicVolume(claim, { uid, directory }), directory, owner, phase: "Bound", boundAt: now };
}

/** The PersistentVolume that a directory is shown as. */
export function dynamicVolume(claim: PersistentVolumeClaim, { uid, directory }: Pick<ClaimRecord, "uid" | "directory">): PersistentVolume {
  const { namespace, name } = claim.metadata;
  const { accessModes, volumeMode, resources, storageClassName } = claim.spec;
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pvc-${uid}`, namespace: CLUSTER, labels: {}, annotations: {} },
    spec: {
      accessModes,
      capacity: { storage: resources.requests.storage },
      volumeMode,
      storageClassName: storageClassName ?? DEFAULT_CLASS,
      persistentVolumeReclaimPolicy: "Delete",
      claimRef: { namespace, name },
      local: { path: directory },
    },
  };
}

/** Removes the claims that go with a pod. Repeatable. */
export async function releaseClaims(host: Pick<PodHost, "claims">, uid: string): Promise<void> {
  for (const claim of host.claims.all()) if (claim.owner === uid) await removeClaim(host, claim);
}

/** Forgets a claim, and removes the directory that was made for it: marked first, forgotten when it is gone. */
export async function removeClaim(host: Pick<PodHost, "claims">, claim: ClaimRecord): Promise<void> {
  const { namespace, name } = claim.claim.metadata;
  if (claim.phase !== "Removing") host.claims.put({ ...claim, phase: "Removing" });
  if (claim.directory !== "") await removeClaimDirectory(claim.directory);
  host.claims.remove(namespace, name);
}

/** `ReadWriteOncePod`: fails while another pod of this host has the claim. */
export function refuseSecondPod(host: Pick<PodHost, "state">, record: PodRecord, { claim }: ClaimRecord): void {
  if (!claim.spec.accessModes.includes("ReadWriteOncePod")) return;
  const { namespace, name } = claim.metadata;
  const other = host.state.pods({ namespace }).find((each) => each.uid !== record.uid && each.sandboxAt > 0 && usesClaim(each, name));
  if (other !== undefined) fail("failed", `Cannot use claim "${namespace}/${name}": node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode: pod "${other.pod.metadata.name}"`);
}

/** Whether a pod has a volume with this claim of its namespace. */
export const usesClaim = ({ pod }: Pick<PodRecord, "pod">, name: string): boolean =>
  pod.spec.volumes.some((volume) => isClaim(volume) && claimNameOf(volume, pod.metadata.name) === name);
