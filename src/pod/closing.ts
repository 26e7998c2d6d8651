/** How all containers of a pod come to an end together: it has finished, begins anew, or is stopped. */
import type { PodRecord } from "../state/state.ts";
import type { PodHost } from "./pod.ts";
import { resetContainers } from "./records.ts";
import { unmakeSandbox } from "./sandbox.ts";
import type { Stopper } from "./stopper.ts";
import { EVICTED } from "./storageWatch.ts";

export interface Closing {
  readonly host: PodHost;
  readonly stopper: Stopper;
}

/** What still runs, sidecars or all of a pod that has failed, has the pod's grace period to end. */
export async function finishPod({ host, stopper }: Closing, record: PodRecord, phase: "Succeeded" | "Failed"): Promise<void> {
  await stopper.stopAll(record);
  await unmakeSandbox(host, record);
  host.state.updatePod(record.uid, { phase, sandboxAt: 0, readyAt: 0 });
}

/** All containers begin anew in the same sandbox, init containers too. */
export async function restartAll({ host: { state }, stopper }: Closing, record: PodRecord): Promise<void> {
  await stopper.stopAll(record);
  state.transaction(() => {
    state.updatePod(record.uid, { reason: "", initializedAt: 0, readyAt: 0 });
    resetContainers(state, { ...(state.pod(record.uid) ?? record), sandboxAt: 0 });
  });
}

/** Ends the pod; it stays, unless somebody has asked for its start since. */
export async function stopPod({ host, stopper }: Closing, record: PodRecord): Promise<void> {
  await stopper.stopAll(record);
  await unmakeSandbox(host, record);
  const { state } = host;
  const clean = record.reason !== EVICTED && state.containers(record.uid).every((each) => each.kind === "sidecar" || each.state.status !== "terminated" || each.state.exitCode === 0);
  state.transaction(() => {
    const started = state.pod(record.uid)?.wanted === "running";
    state.updatePod(record.uid, { sandboxAt: 0, readyAt: 0, ...(started ? { phase: "Pending", initializedAt: 0 } : { phase: clean ? "Succeeded" : "Failed" }) });
    if (started) resetContainers(state, state.pod(record.uid) ?? record);
  });
  stopper.calm();
}
