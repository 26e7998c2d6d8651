/** What is observed. Variants hold only what is true in them; times are milliseconds since the epoch. */
import type { ContainerId } from "./names.ts";

/** State of one container, in the kubelet's words (ContainerState), with what the engine must know to recover it. */
export type ContainerState =
  | { readonly status: "waiting"; readonly reason: string; readonly message?: string; /** when the back-off ends */ readonly until?: number; /** its image could not be pulled, for a reason that may pass */ readonly transient?: boolean }
  /** Recorded before anything is made: the id may or may not exist in the OCI runtime. */
  | { readonly status: "creating"; readonly id: ContainerId }
  | { readonly status: "running"; readonly id: ContainerId; readonly pid: number; readonly startedAt: number }
  | Terminated;

export interface Terminated {
  readonly status: "terminated";
  readonly id: ContainerId;
  readonly exitCode: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown` */
  readonly reason: string;
  readonly message?: string;
  /** 0 when it never started. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** How a container's init process ended, as its monitor recorded it. */
export interface ContainerExit {
  /** 0–255; 128 + signal when a signal ended it. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAt: number;
}

export const POD_PHASES = ["Pending", "Running", "Succeeded", "Failed", "Unknown"] as const;
export type PodPhase = (typeof POD_PHASES)[number];

/** `io.k8s.api.core.v1.PodCondition`. */
export interface PodCondition {
  /** `PodScheduled`, `PodReadyToStartContainers`, `Initialized`, `ContainersReady`, `Ready`, or one that a readiness gate waits for */
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: number;
}
