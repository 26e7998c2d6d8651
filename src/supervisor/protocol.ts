/**
 * What is said over a supervisor's control socket: one JSON object per line. A client sends one request and reads
 * messages until `done`; a supervisor that ends first is an error of kind `unavailable`.
 */
import type { ErrorKind } from "../base/errors.ts";
import type { ObjectRecord, ServiceRecord } from "../state/state.ts";

export const POD_VERBS = ["stop", "start", "restart", "kill", "remove"] as const;
export type PodVerb = (typeof POD_VERBS)[number];

/** Who plays. */
export interface Player {
  /** Where images' credentials, registries' settings and proxies are: for the pulls from now on. */
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** It is a unit: a registry that cannot be reached is waited for, as at boot, and a pod that may be mended. */
  readonly patient: boolean;
  /** Milliseconds after which a pod that is not ready is given up by who waits; it goes on. */
  readonly timeout: number;
}

/** Deployments' progressDeadlineSeconds, in ms. */
export const PROGRESS_DEADLINE = 600_000;

export interface PodCondition {
  readonly type: string;
  readonly status: "True" | "False";
}

export type Request =
  /** Make this the wanted state, and follow until all pods are ready, or wait to be mended, or one cannot be. */
  | { readonly op: "apply"; readonly record: ServiceRecord; readonly objects: readonly ObjectRecord[]; readonly replace: boolean; readonly start: boolean; readonly player: Player }
  /** Follow until all pods are ready or one cannot be. `again`: it is a play of what was played before, so what could not be pulled is tried again. */
  | { readonly op: "follow"; readonly player: Player; readonly again: boolean }
  /** Set a condition that a readiness gate of a pod waits for. */
  | ({ readonly op: "condition"; readonly uid: string } & PodCondition)
  /** Change pods by uid. `grace`: seconds, in place of the pods' own. `signal`: for kill. Done when it has happened. */
  | { readonly op: "pods"; readonly verb: PodVerb; readonly uids: readonly string[]; readonly grace?: number; readonly signal?: string }
  /** Stop and remove all pods, then end. Done when the pods are gone; the connection closes when the supervisor has ended. */
  | { readonly op: "down"; readonly grace?: number };

/** A pod that is not ready because a container cannot be made as it is configured; it is tried again. */
export interface WaitingPod {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly reason: string;
  readonly message: string;
}

export type Message =
  /** Said at once, before anything is done: the supervisor lives and has understood. */
  | { readonly type: "heard" }
  /** A line of progress for people: `pod` and `container` are names. */
  | { readonly type: "progress"; readonly pod?: string; readonly container?: string; readonly what: string }
  /** Nobody waits for this pod any more; said before the answer. */
  | ({ readonly type: "waiting" } & WaitingPod)
  | { readonly type: "done" }
  | { readonly type: "error"; readonly kind: ErrorKind; readonly code: string; readonly message: string; readonly hint?: string };
