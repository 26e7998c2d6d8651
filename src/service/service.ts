/**
 * One manifest's life. A *service* is a played manifest: its objects, its pods, its service container. The phases are
 * types: `Checked` (kube/) → `Wanted` → `Plan` → acting by `ServiceDriver`, which is the only thing that changes pods
 * and exists only while its process holds the service's lock.
 */
import type { KubeObject } from "../spec/spec.ts";
import type { ObjectRecord, PodRecord, ServiceRecord } from "../state/state.ts";

/** What a play asks for. */
export interface Wanted {
  readonly record: ServiceRecord;
  readonly objects: readonly ObjectRecord[];
}

export const STEP_VERBS = ["create", "replace", "start", "configure", "remove", "unchanged"] as const;
export type StepVerb = (typeof STEP_VERBS)[number];

/** One line of a plan; `--dry-run` prints it, the driver does it. */
export interface Step {
  readonly verb: StepVerb;
  readonly kind: KubeObject["kind"];
  readonly namespace: string;
  readonly name: string;
  /** Why, where the verb does not say it: `spec changed`, `not in the manifest any more`. */
  readonly why: string;
  /** The wanted object; absent when it is removed. */
  readonly wanted?: ObjectRecord;
  /** The recorded pod; absent when it is created. */
  readonly pod?: PodRecord;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Nothing is to be done. */
  readonly unchanged: boolean;
}

/** What happens to a service while a command waits. */
export interface ServiceProgress {
  readonly pod?: string;
  readonly container?: string;
  readonly what: string;
}
