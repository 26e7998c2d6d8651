/**
 * The two databases (architecture, section 3). `wherry.db` is durable: written only when something that must last
 * changes. `run.db` is on tmpfs and lives exactly as long as the kernel objects it describes: a reboot empties both
 * together. Rows enter as `unknown` and leave as the frozen types below; nothing else in wherry knows SQL.
 *
 * Every method is one short transaction (`BEGIN IMMEDIATE` when it writes). Reading never needs a lock or a supervisor.
 * Many processes may hold the databases open at once (WAL, busy timeout); two of them writing the same service is
 * prevented by the service's `flock`, not here.
 */
import type { ContainerId, ContainerName, ContainerState, KubeObject, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, PodUid, PodPhase, Secret, ServiceName, Terminated } from "../spec/spec.ts";
import type { ImageCatalog } from "../storage/storage.ts";

export const EXIT_POLICIES = ["none", "any", "all"] as const;
export type ExitPolicy = (typeof EXIT_POLICIES)[number];

/** What play was asked besides the objects. */
export interface ServiceOptions {
  readonly exitPolicy: ExitPolicy;
  /** Network of pods without hostNetwork. */
  readonly network: "bridge" | "none" | "host";
  /** `[[ip:]host:]container[/protocol]` of `--publish`, each applied to the pod that declares the container port. */
  readonly publish: readonly string[];
}

/** Durable: a played manifest. */
export interface ServiceRecord {
  readonly name: ServiceName;
  /** Absolute paths of the files, `-` for stdin, in order. */
  readonly files: readonly string[];
  /** The texts as they were played, in the same order; where Secrets are sealed their digests (`textDigest`), when one of them holds a Secret. */
  readonly texts: readonly string[];
  readonly options: ServiceOptions;
  /** Counts changed plays, from 1. */
  readonly revision: number;
  readonly playedAt: number;
}

/** A wanted object of a service, durable. `hash` covers everything that makes the object what it is, for a Pod also the ConfigMaps and Secrets it refers to. */
export interface ObjectRecord {
  readonly service: ServiceName;
  readonly object: KubeObject;
  readonly hash: string;
}

/**
 * Durable: a claim and the volume that satisfies it. Recorded before its directory is made, forgotten after that is gone;
 * it outlives its pods and its service, and goes only when somebody asks for that, or with the pod that owns it.
 */
export interface ClaimRecord {
  /** The last service that played it, which may be gone. */
  readonly service: ServiceName;
  readonly claim: PersistentVolumeClaim;
  readonly uid: string;
  readonly volume: PersistentVolume;
  /** Directory of wherry's own, made for the claim and removed with it; empty when the volume is one of a manifest. */
  readonly directory: string;
  /** uid of the pod whose ephemeral volume it is, else empty. */
  readonly owner: string;
  readonly phase: "Bound" | "Removing";
  readonly boundAt: number;
}

/** The durable record of claims. Every method is one short transaction. */
export interface ClaimCatalog {
  all(): readonly ClaimRecord[];
  find(namespace: string, name: string): ClaimRecord | undefined;
  /** Adds or replaces a claim. */
  put(record: ClaimRecord): void;
  /** Forgets a claim. */
  remove(namespace: string, name: string): void;
}

/** Makes texts unreadable at rest: what is sealed can be opened under the same name on this host alone. */
export interface Vault {
  seal(name: string, text: string): string;
  /** Fails with kind `unavailable` when it cannot. */
  open(name: string, sealed: string): string;
}

export interface DurableState extends Disposable {
  services(): readonly ServiceRecord[];
  service(name: string): ServiceRecord | undefined;
  /** Where Secrets are sealed, their values are zero bytes here; `secrets` has them. */
  objects(service?: string): readonly ObjectRecord[];
  /** The Secrets of a service with their values. */
  secrets(service: string): readonly Secret[];
  /** Replaces the service's record and all its objects, and adds or replaces claims, all at once. */
  putService(record: ServiceRecord, objects: readonly ObjectRecord[], claims?: readonly ClaimRecord[]): void;
  removeService(name: string): void;
  readonly images: ImageCatalog;
  readonly claims: ClaimCatalog;
}

/** Runtime: the life of a service container. Recorded before it is made, forgotten after it is gone. */
export interface ServiceRun {
  readonly service: ServiceName;
  /** OCI id of the service container */
  readonly id: ContainerId;
  readonly bundle: string;
  /** 0 until conmon runs */
  readonly monitorPid: number;
  /** cgroup path relative to the tree's root, below which everything of the service lives: `/system.slice/wherry@….service` or `/wherry/shop` */
  readonly cgroup: string;
  /** `wherry@srv-shop.yaml.service` when played by a unit, else empty */
  readonly unit: string;
  readonly startedAt: number;
  /** When all pods were ready for the first time; 0 before. */
  readonly readyAt: number;
  readonly phase: "starting" | "running" | "stopping" | "ended";
  /** What is waited for, as in STATUS=. */
  readonly status: string;
  /** With phase `ended`: the status the supervisor ended with. */
  readonly exitCode: number;
}

/** Runtime: one pod. Everything it has outside follows from this row (directories, namespaces, cgroup, address), so the row is written first and deleted last. */
export interface PodRecord {
  readonly uid: PodUid;
  readonly service: ServiceName;
  readonly pod: Pod;
  readonly hash: string;
  /** What is asked: `removed` is set before the pod is taken down, so that a crash half-way goes on. */
  readonly wanted: "running" | "stopped" | "removed";
  /** cgroup path of the pod below the service's base */
  readonly cgroup: string;
  readonly network: "bridge" | "none" | "host";
  /** Empty without a bridge. */
  readonly ip: string;
  /** Its IPv6 address; absent without a bridge, or where the host had no IPv6. */
  readonly ip6?: string;
  readonly phase: PodPhase;
  /** Why the pod is in this phase, when there is a reason: `CreatePodSandboxError`, `ErrImageNeverPull`, … */
  readonly reason: string;
  readonly message: string;
  readonly createdAt: number;
  /** The sandbox (namespaces, network, volumes) stands since then; 0 when it does not stand. */
  readonly sandboxAt: number;
  /** All init containers have completed since then; 0 before. */
  readonly initializedAt: number;
  /** The pod is Ready since then; 0 when it is not. Written by readiness only. */
  readonly readyAt: number;
  /** When it was last asked to run; absent: since it was created. */
  readonly startedAt?: number;
  /** The first of the host's user and group ids that are the pod's own; absent when it has none, or none yet. No two pods have the same. */
  readonly ids?: number;
  /** Conditions by type, those that readiness gates wait for among them; one that is absent was never true. */
  readonly conditions?: PodConditions;
}

/** Status of conditions of a pod, each with the time at which it last changed. */
export type PodConditions = Readonly<Record<string, { readonly status: "True" | "False"; readonly since: number }>>;

/** What probes and hooks have found of one start of a container. */
export interface ContainerHealth {
  /** The start that this is about; of another one it says nothing. */
  readonly id: ContainerId;
  /** Its postStart hook has succeeded. */
  readonly hooked?: boolean;
  /** What its postStart hook failed with: it is being ended, or has ended for that. */
  readonly hookError?: string;
  /** Its startup probe has succeeded. */
  readonly started?: boolean;
  /** Its readiness probe succeeds. */
  readonly ready?: boolean;
  /** Why the latest probe failed; absent when it succeeded. */
  readonly why?: string;
}

/** Who the first process of a container is, as it was started. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}

export interface ContainerRecord {
  readonly pod: PodUid;
  readonly name: ContainerName;
  /** A sidecar is an init container that runs beside the main ones. */
  readonly kind: "init" | "sidecar" | "main";
  /** Position in its list of the pod's spec. */
  readonly position: number;
  readonly restarts: number;
  readonly state: ContainerState;
  readonly last?: Terminated;
  /** Ends that count for the back-off; 0 again when it has been reset. */
  readonly failures: number;
  /** Reference and id of the image it runs. */
  readonly image: string;
  readonly imageId: string;
  /** Log of the present start, and of the one before it (`--previous`); empty when there is none. */
  readonly logPath: string;
  readonly previousLogPath: string;
  readonly health?: ContainerHealth;
  /** Of the latest start that came as far as a created container. */
  readonly user?: ContainerUser;
}

export interface EventRecord {
  /**
   * Number of its latest change, growing by one with every `addEvent`: the largest one seen is what to ask for events
   * `after`. A repeated event counts up and gets a new number, but keeps its place in the order.
   */
  readonly sequence: number;
  readonly service: ServiceName;
  readonly namespace: Namespace;
  /** `Service` is the wherry service. */
  readonly kind: "Pod" | "Service" | "PersistentVolumeClaim";
  readonly name: string;
  readonly uid: string;
  /** `spec.containers{nginx}` */
  readonly fieldPath: string;
  readonly type: "Normal" | "Warning";
  /** The kubelet's reasons: Pulled, Created, Started, Killing, BackOff, Failed, … */
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
}
export type NewEvent = Omit<EventRecord, "sequence" | "count" | "firstAt" | "lastAt">;

/** A host port that a pod holds; the table's key keeps two pods from it. */
export interface HostPort {
  readonly ip: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export interface RuntimeState extends Disposable {
  runs(): readonly ServiceRun[];
  run(service: string): ServiceRun | undefined;
  putRun(run: ServiceRun): void;
  updateRun(service: ServiceName, change: Partial<Omit<ServiceRun, "service">>): void;
  removeRun(service: ServiceName): void;

  pods(filter?: { readonly service?: string; readonly namespace?: string; readonly name?: string }): readonly PodRecord[];
  pod(uid: string): PodRecord | undefined;
  /**
   * Records a new pod and its containers (state waiting, reason ContainerCreating or PodInitializing), gives it a free
   * address of `subnet` when its network is `bridge`, the one of `subnet6` that goes with it, and reserves its host ports; all or nothing. Fails with kind
   * `conflict` when another service has a pod of that namespace and name, or holds a host port (it names the holder), and
   * `unavailable` when no address is free. The gateway (first address) and the broadcast address are never given.
   */
  addPod(pod: Omit<PodRecord, "ip" | "ip6">, containers: readonly ContainerRecord[], options: { readonly subnet?: string; readonly subnet6?: string; readonly hostPorts: readonly HostPort[] }): PodRecord;
  updatePod(uid: PodUid, change: Partial<Omit<PodRecord, "uid" | "service">>): void;
  /** Forgets a pod, its containers, its address and its host ports. Events stay. */
  removePod(uid: PodUid): void;
  hostPorts(uid: PodUid): readonly HostPort[];

  containers(pod?: string): readonly ContainerRecord[];
  updateContainer(pod: PodUid, name: ContainerName, change: Partial<Omit<ContainerRecord, "pod" | "name" | "kind">>): void;

  /** Adds an event; one equal to an event of the last ten minutes (all of NewEvent's fields) counts up instead. Keeps the newest 1,000 events of a service. */
  addEvent(event: NewEvent, now: number): void;
  /** Oldest first; `after` is a sequence number: events added or counted up since. */
  events(filter?: { readonly service?: string; readonly namespace?: string; readonly name?: string; readonly after?: number }): readonly EventRecord[];
  removeEvents(service: ServiceName): void;

  /** Several changes in one transaction. */
  transaction<T>(change: () => T): T;
}
