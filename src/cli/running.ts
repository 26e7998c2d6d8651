/** The container of a record, while it runs. */
import { fail } from "../base/errors.ts";
import type { ContainerId } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";

/** Its id. Kind `failed` when it does not run; `action` and `pod` are for the message: `attach to`, `web`. */
export function runningId({ name, state }: ContainerRecord, { action, pod }: { readonly action: string; readonly pod: string }): ContainerId {
  if (state.status === "running") return state.id;
  const why = state.status === "waiting" || state.status === "terminated" ? ` (${state.reason})` : "";
  fail("failed", `Cannot ${action} container "${name}" of pod "${pod}": it is ${state.status}${why}, it must be running`);
}
