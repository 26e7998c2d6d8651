/** Claims and volumes as the Kubernetes API shows them. */
import { kubernetesForm, objectMeta } from "../../pod/status.ts";
import type { PersistentVolume } from "../../spec/spec.ts";
import type { ClaimRecord } from "../../state/state.ts";

type Json = Readonly<Record<string, unknown>>;

/** kubectl's short words for access modes. */
const SHORT: Readonly<Record<string, string>> = { ReadWriteOnce: "RWO", ReadOnlyMany: "ROX", ReadWriteMany: "RWX", ReadWriteOncePod: "RWOP" };
export const shortModes = (modes: readonly string[]): string => modes.map((mode) => SHORT[mode] ?? mode).join(",");

/** A v1 PersistentVolumeClaim with its status. */
export function claimObject({ claim, volume, uid, boundAt, phase }: ClaimRecord): Json {
  const { accessModes, capacity, storageClassName } = volume.spec;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { ...objectMeta(claim.metadata, { uid, createdAt: boundAt }), finalizers: ["kubernetes.io/pvc-protection"] },
    spec: kubernetesForm({ storageClassName, ...claim.spec, volumeName: volume.metadata.name }),
    status: { phase: phase === "Bound" ? "Bound" : "Terminating", accessModes, capacity },
  };
}

/** A v1 PersistentVolume with its status; `claim` is the one that has it. */
export function volumeObject({ metadata, spec }: PersistentVolume, claim: ClaimRecord | undefined, playedAt = 0): Json {
  const { namespace: _, ...meta } = objectMeta(metadata, { createdAt: claim?.boundAt ?? playedAt });
  const { namespace, name } = claim?.claim.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: meta,
    spec: kubernetesForm({ ...spec, ...(claim === undefined ? {} : { claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid: claim.uid } }) }),
    status: { phase: claim === undefined ? "Available" : "Bound" },
  };
}
