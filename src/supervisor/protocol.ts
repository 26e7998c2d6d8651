/**
 * What is said over a supervisor's control socket: one JSON object per line. A client sends one request and reads
 * messages until `done`; a supervisor that ends first is an error of kind `unavailable`.
 */
import type { ErrorKind } from "../base/errors.ts";
import type { ObjectRecord, ServiceRecord } from "../state/state.ts";

export const POD_VERBS = ["stop", "start", "restart", "kill", "remove"] as const;
export type PodVerb = (typeof POD_VERBS)[number];

export type Request =
  /** Make this the wanted state, and follow until all pods are ready or one cannot be. */
  | { readonly op: "apply"; readonly record: ServiceRecord; readonly objects: readonly ObjectRecord[]; readonly replace: boolean; readonly start: boolean }
  /** Follow until all pods are ready or one cannot be (after play has started the service container). */
  | { readonly op: "follow" }
  /** Change pods by uid. `grace`: seconds, in place of the pods' own. `signal`: for kill. Done when it has happened. */
  | { readonly op: "pods"; readonly verb: PodVerb; readonly uids: readonly string[]; readonly grace?: number; readonly signal?: string }
  /** Stop and remove all pods, then end. Done when the pods are gone; the connection closes when the supervisor has ended. */
  | { readonly op: "down"; readonly grace?: number };

export type Message =
  /** Said at once, before anything is done: the supervisor lives and has understood. */
  | { readonly type: "heard" }
  /** A line of progress for people: `pod` and `container` are names. */
  | { readonly type: "progress"; readonly pod?: string; readonly container?: string; readonly what: string }
  | { readonly type: "done" }
  | { readonly type: "error"; readonly kind: ErrorKind; readonly code: string; readonly message: string; readonly hint?: string };
