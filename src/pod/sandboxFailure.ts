/** What is recorded and told of a pod whose sandbox is not made. */
import type { Rejection } from "../container/admission.ts";
import type { PodUid } from "../spec/spec.ts";
import type { PodHost, PodReporter } from "./pod.ts";

interface Teller {
  readonly host: PodHost;
  readonly uid: PodUid;
  readonly reporter: PodReporter;
}

/** Making it has failed; it is tried again at `until` (ms). */
export function recordSandboxFailure({ host, uid, reporter }: Teller, message: string, until: number): void {
  host.state.transaction(() => {
    host.state.updatePod(uid, { reason: "FailedCreatePodSandBox", message });
    for (const { name, state } of host.state.containers(uid)) {
      if (state.status === "waiting") host.state.updateContainer(uid, name, { state: { ...state, until: Math.max(until, state.until ?? 0) } });
    }
  });
  reporter.event({ type: "Warning", reason: "FailedCreatePodSandBox", message: `Failed to create pod sandbox: ${message}`, fieldPath: "" });
}

/** The pod has failed before anything of it was made (the kubelet's `rejectPod`). */
export function recordRejection({ host, uid, reporter }: Teller, { reason, message }: Rejection): void {
  host.state.updatePod(uid, { phase: "Failed", reason, message: `Pod was rejected: ${message}` });
  reporter.event({ type: "Warning", reason, message, fieldPath: "" });
  reporter.progress(`${reason}: ${message}`);
}
