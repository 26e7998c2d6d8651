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
import type { HostLimits } from "../container/container.ts";
import type { Bridge, Network } from "../network/network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ConfigMap, Secret } from "../spec/spec.ts";
import type { NewEvent, RuntimeState } from "../state/state.ts";
import type { ImageCatalog } from "../storage/storage.ts";
import type { Kernel } from "./kernel.ts";

/** The ConfigMaps and Secrets of the pod's service; a pod may use those of its own namespace. */
export interface ConfigSource {
  configMaps(namespace: string): readonly ConfigMap[];
  secrets(namespace: string): readonly Secret[];
}

/** What pods are made with. One value per process, handed down; `service/engine.ts` makes it. */
export interface PodHost {
  readonly paths: Paths;
  readonly state: RuntimeState;
  readonly images: ImageCatalog;
  readonly runtime: Runtime;
  readonly network: Network;
  readonly bridge: Bridge;
  readonly kernel: Kernel;
  /** What the host can do below a service's cgroup. */
  readonly limits: (cgroup: string) => HostLimits;
  /** The host's journal listens, so conmon writes to it too. */
  readonly journal: boolean;
  readonly now: () => number;
}

/** Where the pod code says what happens: an event for `wherry events`, a line of progress for who waits. */
export interface PodReporter {
  event(event: Pick<NewEvent, "type" | "reason" | "message" | "fieldPath">): void;
  progress(what: string, container?: string): void;
}
