/**
 * One pod from its record to running containers and back to nothing.
 *
 * Words: the *sandbox* is what the containers of a pod share: namespaces, network, /dev/shm, the files of
 * /etc, the volumes. A pod is driven by *syncing*: `decide` (pure) says from the recorded state what is to be done
 * next; doing it changes the recorded state; repeat until nothing is to be done. After a crash the same loop goes on
 * from the same records, so there is no other path.
 *
 * Recorded first: the pod's row is written before anything of it is made and deleted after everything is gone; a
 * container's id is written (state `creating`) before the OCI runtime hears of it.
 */
import type { Paths } from "../base/paths.ts";
import type { AdmissionFacts } from "../container/admission.ts";
import type { HostLimits } from "../container/container.ts";
import type { Bridge, Network } from "../network/network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ConfigMap, Container, HttpGetAction, Probe, Secret } from "../spec/spec.ts";
import type { ClaimCatalog, NewEvent, RuntimeState } from "../state/state.ts";
import type { Image, ImageCatalog } from "../storage/storage.ts";
import type { PullProgress } from "./fetchLines.ts";
import type { Kernel } from "./kernel.ts";
import type { ProbeResult } from "./prober.ts";
import type { Node } from "./status.ts";

/** The ConfigMaps and Secrets of the pod's service; a pod may use those of its own namespace. */
export interface ConfigSource {
  configMaps(namespace: string): readonly ConfigMap[];
  secrets(namespace: string): readonly Secret[];
}

/** A file with credentials for one registry (containers-auth.json(5)), and what tells its content from others'. */
export interface AuthFile {
  readonly path: string;
  readonly digest: string;
}

export interface PullRequest {
  /** Credentials to try, in this order, before the host's own. The files stay until the pull has ended or was given up. */
  readonly secrets: readonly AuthFile[];
  /** Gives up waiting; the pull goes on when others want it. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PullProgress) => void;
}

export interface Pulled {
  readonly image: Image;
  /** Milliseconds that the pull itself took, without waiting for its turn. */
  readonly took: number;
}

/** Brings images into the store, each in a process of its own. Knows nothing of pull policies. */
export interface ImagePuller {
  /**
   * Makes sure that the store has what a reference means now. What several ask for with the same credentials is pulled
   * once. Fails with code `ErrImagePull`, `ErrRegistryUnavailable` or `InvalidImageName`; `context.transient`: trying
   * again later may help.
   */
  pull(reference: string, request: PullRequest): Promise<Pulled>;
  /** The full references that a name may mean, in lookup order: a short one through the host's registries.conf. */
  names(reference: string): readonly string[];
  /** The environment of the pulls that begin from now on. */
  use(environment: Readonly<Record<string, string>>): void;
  /** Calls `listener` with a line for people at every step of every pull, however many wait for it. */
  listen(listener: (line: string) => void): Disposable;
  /** The latest line of each pull that is under way, for who comes later. */
  underway(): readonly string[];
}

/** From where, to what address, until when. */
export interface BridgeRequest {
  /** The pod's. */
  readonly address: string;
  readonly ports: Container["ports"];
  readonly signal: AbortSignal;
}

/** Probes and HTTP hooks of pods on a bridge that this process itself does not reach. */
export interface BridgeRequests {
  probe(probe: Probe, request: BridgeRequest): Promise<ProbeResult>;
  hook(action: HttpGetAction, request: BridgeRequest): Promise<void>;
}

/** What pods are made with. One value per process, handed down; `service/engine.ts` makes it. */
export interface PodHost {
  readonly paths: Paths;
  readonly state: RuntimeState;
  readonly images: ImageCatalog;
  readonly puller: ImagePuller;
  readonly claims: ClaimCatalog;
  readonly runtime: Runtime;
  readonly network: Network;
  readonly bridge: Bridge;
  /** A name server for pods on the bridge, which asks the host's. */
  readonly forwarder?: string;
  /** Absent where this process reaches the pods on the bridge itself. */
  readonly bridgeRequests?: BridgeRequests;
  /** Pods on the bridge get an IPv6 address, too. */
  readonly ipv6: () => boolean;
  readonly kernel: Kernel;
  /** What the host can do below a service's cgroup. */
  readonly limits: (cgroup: string) => HostLimits;
  /** The host's journal listens, so conmon writes to it too. */
  readonly journal: boolean;
  /** What pods are admitted by; asked for every pod that starts. */
  readonly admission: () => AdmissionFacts;
  /** The host, as Kubernetes' Node. */
  readonly node: () => Node;
  readonly now: () => number;
}

/** Where the pod code says what happens: an event for `wherry events`, a line of progress for who waits. */
export interface PodReporter {
  event(event: Pick<NewEvent, "type" | "reason" | "message" | "fieldPath">): void;
  progress(what: string, container?: string): void;
}
