/** The domain types of claims and of the volumes that satisfy them, as those in `pod.ts`. */
import type { ObjectMeta } from "./meta.ts";

export const HOST_PATH_TYPES = ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"] as const;
export type HostPathType = (typeof HOST_PATH_TYPES)[number];

export const ACCESS_MODES = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"] as const;
export type AccessMode = (typeof ACCESS_MODES)[number];

export interface ClaimTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: ClaimSpec;
}

export interface ClaimSpec {
  readonly accessModes: readonly AccessMode[];
  readonly resources: { readonly requests: { /** a quantity of bytes */ readonly storage: string } };
  readonly volumeMode: "Filesystem" | "Block";
  readonly volumeName?: string;
  readonly selector?: LabelSelector;
  /** Absent: the default, a directory of wherry's own; empty: only volumes of the manifest. */
  readonly storageClassName?: string;
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly { readonly key: string; readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"; readonly values: readonly string[] }[];
}

export interface PersistentVolumeClaim {
  readonly apiVersion: "v1";
  readonly kind: "PersistentVolumeClaim";
  readonly metadata: ObjectMeta;
  readonly spec: ClaimSpec;
}

export const RECLAIM_POLICIES = ["Retain", "Delete", "Recycle"] as const;

/** A directory or device of this host, offered to claims. It belongs to no namespace: its metadata has an empty one. */
export interface PersistentVolume {
  readonly apiVersion: "v1";
  readonly kind: "PersistentVolume";
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly accessModes: readonly AccessMode[];
    readonly capacity: { readonly storage: string };
    readonly volumeMode: "Filesystem" | "Block";
    readonly storageClassName: string;
    readonly persistentVolumeReclaimPolicy: (typeof RECLAIM_POLICIES)[number];
    readonly claimRef?: { readonly namespace: string; readonly name: string };
  } & ({ readonly hostPath: { readonly path: string; readonly type: HostPathType } } | { readonly local: { readonly path: string } });
}
