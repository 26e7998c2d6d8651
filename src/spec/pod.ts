/**
 * The domain types of what is wanted: frozen, checked, defaulted. Field names and shapes are those of the Kubernetes
 * API (core/v1), so a value prints as the Kubernetes object that it is. A field that is not here is refused by `kube/`.
 */
import type { ContainerName, Namespace, PodName } from "./names.ts";

export interface ObjectMeta<Name extends string = string> {
  readonly name: Name;
  readonly namespace: Namespace;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Pod {
  readonly apiVersion: "v1";
  readonly kind: "Pod";
  readonly metadata: ObjectMeta<PodName>;
  readonly spec: PodSpec;
}

export interface ConfigMap {
  readonly apiVersion: "v1";
  readonly kind: "ConfigMap";
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
  /** base64 */
  readonly binaryData: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export interface Secret {
  readonly apiVersion: "v1";
  readonly kind: "Secret";
  readonly metadata: ObjectMeta;
  readonly type: string;
  /** base64; `stringData` has been merged into it. */
  readonly data: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** Any object that a manifest may hold in this version. */
export type KubeObject = Pod | ConfigMap | Secret;

export const RESTART_POLICIES = ["Always", "OnFailure", "Never"] as const;
export type RestartPolicy = (typeof RESTART_POLICIES)[number];

export interface PodSpec {
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly restartPolicy: RestartPolicy;
  /** Seconds; 30 when the manifest is silent. */
  readonly terminationGracePeriodSeconds: number;
  readonly hostNetwork: boolean;
  readonly hostname?: string;
  /** Secrets of the pod's namespace with credentials for registries; one that does not exist is told by an event. */
  readonly imagePullSecrets?: readonly LocalObjectReference[];
}

export interface LocalObjectReference {
  readonly name: string;
}

export const PULL_POLICIES = ["Always", "IfNotPresent", "Never"] as const;
export type ImagePullPolicy = (typeof PULL_POLICIES)[number];

export interface Container {
  readonly name: ContainerName;
  readonly image: string;
  readonly imagePullPolicy: ImagePullPolicy;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFromSource[];
  readonly ports: readonly ContainerPort[];
  readonly volumeMounts: readonly VolumeMount[];
  readonly resources: ResourceRequirements;
}

export interface ResourceRequirements {
  /** Kubernetes quantities as text (`500m`, `64Mi`), checked; read them with `spec/quantity.ts`. */
  readonly limits: { readonly cpu?: string; readonly memory?: string };
}

export type EnvVar =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly valueFrom: { readonly configMapKeyRef: KeyRef } }
  | { readonly name: string; readonly valueFrom: { readonly secretKeyRef: KeyRef } };

export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface EnvFromSource {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  /** Safe relative path below the volume. */
  readonly subPath?: string;
}

export interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

export const HOST_PATH_TYPES = ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"] as const;
export type HostPathType = (typeof HOST_PATH_TYPES)[number];

export type Volume =
  | { readonly name: string; readonly emptyDir: { readonly medium?: "" | "Memory"; readonly sizeLimit?: string } }
  | { readonly name: string; readonly hostPath: { readonly path: string; readonly type: HostPathType } }
  | { readonly name: string; readonly configMap: ConfigVolume & { readonly name: string } }
  | { readonly name: string; readonly secret: ConfigVolume & { readonly secretName: string } };

export interface ConfigVolume {
  readonly items?: readonly KeyToPath[];
  /** Permission bits; 0644 when the manifest is silent. */
  readonly defaultMode: number;
  readonly optional: boolean;
}
