/**
 * The domain types of what is wanted: frozen, checked, defaulted. Field names and shapes are those of the Kubernetes
 * API (core/v1), so a value prints as the Kubernetes object that it is. A field that is not here is refused by `kube/`.
 */
import type { ClaimTemplate, HostPathType, PersistentVolume, PersistentVolumeClaim } from "./claims.ts";
import type { NamespaceObject, ObjectMeta } from "./meta.ts";
import type { ContainerName, PodName } from "./names.ts";

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
export type KubeObject = Pod | ConfigMap | Secret | PersistentVolumeClaim | PersistentVolume | NamespaceObject;

export const RESTART_POLICIES = ["Always", "OnFailure", "Never"] as const;
export type RestartPolicy = (typeof RESTART_POLICIES)[number];

export const DNS_POLICIES = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] as const;
export type DnsPolicy = (typeof DNS_POLICIES)[number];

export interface PodSpec {
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly restartPolicy: RestartPolicy;
  /** Seconds; 30 when the manifest is silent. */
  readonly terminationGracePeriodSeconds: number;
  /** Seconds after the pod's start; then it has failed. */
  readonly activeDeadlineSeconds?: number;
  readonly hostNetwork: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  /** False: the pod has a user namespace of its own. */
  readonly hostUsers?: boolean;
  readonly shareProcessNamespace?: boolean;
  readonly os?: { readonly name: "linux" };
  readonly hostname?: string;
  readonly hostnameOverride?: string;
  readonly subdomain?: string;
  readonly setHostnameAsFQDN?: boolean;
  readonly hostAliases?: readonly HostAlias[];
  readonly dnsPolicy?: DnsPolicy;
  readonly dnsConfig?: PodDnsConfig;
  readonly enableServiceLinks?: boolean;
  /** Secrets of the pod's namespace with credentials for registries; one that does not exist is told by an event. */
  readonly imagePullSecrets?: readonly LocalObjectReference[];
  readonly serviceAccountName?: string;
  /** Condition types that must be true for the pod to be Ready. */
  readonly readinessGates?: readonly { readonly conditionType: string }[];
  readonly resources?: ResourceRequirements;
  readonly securityContext?: PodSecurityContext;
}

export interface LocalObjectReference {
  readonly name: string;
}

export interface HostAlias {
  readonly ip: string;
  readonly hostnames: readonly string[];
}

export interface PodDnsConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly { readonly name: string; readonly value?: string }[];
}

export const FS_GROUP_POLICIES = ["Always", "OnRootMismatch"] as const;
export const SUPPLEMENTAL_GROUPS_POLICIES = ["Merge", "Strict"] as const;

/** What both security contexts have; a container's own wins over its pod's. */
export interface SharedSecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly seLinuxOptions?: SeLinuxOptions;
  readonly seccompProfile?: Profile;
  readonly appArmorProfile?: Profile;
}

export interface PodSecurityContext extends SharedSecurityContext {
  readonly fsGroup?: number;
  readonly fsGroupChangePolicy?: (typeof FS_GROUP_POLICIES)[number];
  readonly supplementalGroups?: readonly number[];
  readonly supplementalGroupsPolicy?: (typeof SUPPLEMENTAL_GROUPS_POLICIES)[number];
  readonly sysctls?: readonly { readonly name: string; readonly value: string }[];
}

export interface SecurityContext extends SharedSecurityContext {
  readonly allowPrivilegeEscalation?: boolean;
  readonly privileged?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly procMount?: "Default" | "Unmasked";
  /** Names without `CAP_`, as written; `ALL` is allowed. */
  readonly capabilities?: { readonly add: readonly string[]; readonly drop: readonly string[] };
}

export interface SeLinuxOptions {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
}

/** A seccomp or AppArmor profile; `localhostProfile` is there when the type is Localhost, and only then. */
export type Profile = { readonly type: "RuntimeDefault" | "Unconfined" } | { readonly type: "Localhost"; readonly localhostProfile: string };

export const PULL_POLICIES = ["Always", "IfNotPresent", "Never"] as const;
export type ImagePullPolicy = (typeof PULL_POLICIES)[number];

export const CONTAINER_RESTART_POLICIES = ["Always", "OnFailure", "Never"] as const;
export const TERMINATION_MESSAGE_POLICIES = ["File", "FallbackToLogsOnError"] as const;

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
  readonly volumeDevices?: readonly VolumeDevice[];
  readonly resources: ResourceRequirements;
  /** Of an init container: Always makes it a sidecar. */
  readonly restartPolicy?: (typeof CONTAINER_RESTART_POLICIES)[number];
  readonly restartPolicyRules?: readonly RestartRule[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly lifecycle?: Lifecycle;
  /** `/dev/termination-log` when absent. */
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: (typeof TERMINATION_MESSAGE_POLICIES)[number];
  readonly securityContext?: SecurityContext;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
}

/** What an exit code leads to, before `restartPolicy` is asked. */
export interface RestartRule {
  readonly action: "Restart" | "RestartAllContainers";
  readonly exitCodes: { readonly operator: "In" | "NotIn"; readonly values: readonly number[] };
}

export interface ResourceRequirements {
  /** Kubernetes quantities as text (`500m`, `64Mi`) by resource name, checked; read them with `spec/quantity.ts`. */
  readonly limits: Readonly<Record<string, string>>;
  /** What is not given is as its limit. */
  readonly requests?: Readonly<Record<string, string>>;
}

export type Probe = ProbeHandler & ProbeTiming;

export interface ProbeTiming {
  /** Seconds, all of them. */
  readonly initialDelaySeconds: number;
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** In place of the pod's, when this probe ends the container. */
  readonly terminationGracePeriodSeconds?: number;
}

export type ProbeHandler =
  | { readonly exec: ExecAction }
  | { readonly httpGet: HttpGetAction }
  | { readonly tcpSocket: TcpSocketAction }
  | { readonly grpc: { readonly port: number; readonly service: string } };

export interface ExecAction {
  readonly command: readonly string[];
}

export interface HttpGetAction {
  /** The pod's address when absent. */
  readonly host?: string;
  /** A number, or the name of a port of the container. */
  readonly port: number | string;
  readonly path: string;
  readonly scheme: "HTTP" | "HTTPS";
  readonly httpHeaders: readonly { readonly name: string; readonly value: string }[];
}

export interface TcpSocketAction {
  readonly host?: string;
  readonly port: number | string;
}

export interface Lifecycle {
  readonly postStart?: LifecycleHandler;
  readonly preStop?: LifecycleHandler;
  /** `SIGTERM`, `SIGRTMIN+3` */
  readonly stopSignal?: string;
}

export type LifecycleHandler = { readonly exec: ExecAction } | { readonly httpGet: HttpGetAction } | { readonly sleep: { readonly seconds: number } };

export type EnvVar = { readonly name: string; readonly value: string } | { readonly name: string; readonly valueFrom: EnvVarSource };

export type EnvVarSource =
  | { readonly configMapKeyRef: KeyRef }
  | { readonly secretKeyRef: KeyRef }
  | { readonly fieldRef: FieldRef }
  | { readonly resourceFieldRef: ResourceFieldRef }
  | { readonly fileKeyRef: FileKeyRef };

/** A field of the pod itself (downward API): `metadata.name`, `metadata.labels['app']`, `status.podIP`, … */
export interface FieldRef {
  readonly fieldPath: string;
}

export interface ResourceFieldRef {
  /** The container itself when absent; in a volume it must be given. */
  readonly containerName?: string;
  /** `limits.memory` */
  readonly resource: string;
  /** A quantity; 1 when the manifest is silent. */
  readonly divisor: string;
}

/** A variable of a file in the form of an env file, in a volume of the pod. */
export interface FileKeyRef {
  readonly volumeName: string;
  readonly path: string;
  readonly key: string;
  readonly optional: boolean;
}

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

export const MOUNT_PROPAGATIONS = ["None", "HostToContainer", "Bidirectional"] as const;
export const RECURSIVE_READ_ONLY = ["Disabled", "IfPossible", "Enabled"] as const;

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly recursiveReadOnly?: (typeof RECURSIVE_READ_ONLY)[number];
  readonly mountPropagation?: (typeof MOUNT_PROPAGATIONS)[number];
  /** Safe relative path below the volume. */
  readonly subPath?: string;
  /** The same with `$(VARIABLE)`s of the container in it. */
  readonly subPathExpr?: string;
}

/** A claim of mode Block, seen as a device. */
export interface VolumeDevice {
  readonly name: string;
  readonly devicePath: string;
}

export interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

export type Volume =
  | { readonly name: string; readonly emptyDir: EmptyDir }
  | { readonly name: string; readonly hostPath: { readonly path: string; readonly type: HostPathType } }
  | { readonly name: string; readonly configMap: ConfigVolume & { readonly name: string } }
  | { readonly name: string; readonly secret: ConfigVolume & { readonly secretName: string } }
  | { readonly name: string; readonly downwardAPI: { readonly items: readonly DownwardFile[]; readonly defaultMode: number } }
  | { readonly name: string; readonly projected: { readonly sources: readonly Projection[]; readonly defaultMode: number } }
  | { readonly name: string; readonly persistentVolumeClaim: { readonly claimName: string; readonly readOnly: boolean } }
  | { readonly name: string; readonly ephemeral: { readonly volumeClaimTemplate: ClaimTemplate } }
  | { readonly name: string; readonly image: { readonly reference: string; readonly pullPolicy: ImagePullPolicy } };

export interface EmptyDir {
  /** `HugePages`, `HugePages-2Mi`: on hugetlbfs */
  readonly medium?: string;
  readonly sizeLimit?: string;
}

export interface ConfigVolume {
  readonly items?: readonly KeyToPath[];
  /** Permission bits; 0644 when the manifest is silent. */
  readonly defaultMode: number;
  readonly optional: boolean;
}

/** A file that holds a field of the pod, or a resource of one of its containers. */
export type DownwardFile = { readonly path: string; readonly mode?: number } & DownwardSource;
export type DownwardSource = { readonly fieldRef: FieldRef } | { readonly resourceFieldRef: ResourceFieldRef & { readonly containerName: string } };

export type Projection =
  | { readonly configMap: Omit<ConfigVolume, "defaultMode"> & { readonly name: string } }
  | { readonly secret: Omit<ConfigVolume, "defaultMode"> & { readonly name: string } }
  | { readonly downwardAPI: { readonly items: readonly DownwardFile[] } }
  | { readonly serviceAccountToken: { readonly path: string; readonly audience: string; readonly expirationSeconds: number } };
