/**
 * One container from its specification to an OCI configuration. `ociConfig` is pure: same input, same output, golden files.
 */
import type { OciConfig, OciDevice } from "../runtime/oci.ts";
import type { CdiSpec } from "./cdi.ts";
import type { Container, ContainerId, ImageConfig, Pod } from "../spec/spec.ts";

/** Numeric identity of the payload, looked up in the image's own /etc/passwd and /etc/group. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** A host file or directory that is bound into the container. */
export interface Bind {
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
  /** `rprivate` when absent: Kubernetes' mountPropagation None. */
  readonly propagation?: "rprivate" | "rslave" | "rshared";
  /** With `readOnly`: so are the mounts below it. */
  readonly readOnlyBelow?: boolean;
  /** More of mount(8): what the source's own mount forbids. */
  readonly options?: readonly string[];
}

/** A user namespace of the pod's own. */
export interface Users {
  /** Its file. */
  readonly path: string;
  /** The id of the host that is its 0. */
  readonly first: number;
  /** How many ids there are in it. */
  readonly count: number;
}

/** A block device of the host in the container. */
export interface Device {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly readOnly: boolean;
}

/** What the host can do; the configuration is fitted to it. */
export interface HostLimits {
  /** Hard limits that may not be raised, by OCI rlimit name (`RLIMIT_NOFILE`); absent: not limited. */
  readonly hardRlimits: Readonly<Record<string, number>>;
  readonly cgroupVersion: "v1" | "v2";
  readonly controllers: readonly string[];
  /** Parsed seccomp profile of containers-common (its own format, not OCI's), or undefined when the host has none. */
  readonly seccompProfile: unknown;
  /** `x64`, `arm64`: as `process.arch` */
  readonly architecture: string;
  /** `6.1.0-13-amd64`; absent: new enough for every rule of the seccomp profile. */
  readonly kernel?: string;
  /** Bytes of memory of the host, for the out-of-memory score. */
  readonly memory?: number;
  /** `2Mi`, `1Gi`: huge pages that the kernel has and can limit. */
  readonly hugePageSizes: readonly string[];
  /** The kernel accounts swap, so a memory limit can cover it. */
  readonly swapAccounting?: boolean;
  /** How many processes and threads a pod may have (kubelet `podPidsLimit`); absent: as many as the host. */
  readonly podPidsLimit?: number;
  /** Capabilities that this process holds, and so can give. */
  readonly capabilities: readonly string[];
  /** The host's devices, for privileged containers: they come and go. */
  readonly devices: () => readonly OciDevice[];
  /** The CDI specifications of the administrator. */
  readonly cdi: () => readonly CdiSpec[];
  /** A seccomp profile of the administrator, below a directory of ours. Kind `failed` when there is none. */
  readonly localSeccomp: (path: string) => unknown;
  /** Names of the loaded AppArmor profiles; undefined when the kernel does not enforce any. */
  readonly appArmor?: () => readonly string[];
  /** The kernel enforces SELinux. */
  readonly seLinux: boolean;
  /** This process is root in a user namespace only. */
  readonly userNamespace?: boolean;
  /** The lowest out-of-memory score adjustment that may be set; absent when there is none. */
  readonly lowestOomScoreAdj?: number;
}

export interface ConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly id: ContainerId;
  readonly image: ImageConfig;
  readonly identity: Identity;
  /** env after resolution of valueFrom, envFrom and `$(VAR)`, in order; later entries win. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly rootfs: string;
  readonly binds: readonly Bind[];
  readonly devices?: readonly Device[];
  /** Files of the pod's namespaces; a kind without one is the host's, but for `pid`: the container's own, unless the pod says hostPID. */
  readonly namespaces: { readonly network?: string; readonly ipc?: string; readonly uts?: string; readonly pid?: string };
  /** The pod says `hostUsers: false`. */
  readonly users?: Users;
  readonly hostname: string;
  readonly cgroupsPath: string;
  readonly host: HostLimits;
}

export interface ConfigResult {
  readonly config: OciConfig;
  /** What could not be given as asked (a limit without controller, a clamped rlimit): shown as warning events. */
  readonly warnings: readonly string[];
}
