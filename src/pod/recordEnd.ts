/** Records how a container ended and what becomes of it: its restart, its back-off, or nothing more. */
import type { Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { afterEnd, backoffText, isActive, matchingRule, RESTARTING_ALL } from "./decide.ts";
import { fieldPathOf } from "./fieldPath.ts";
import { specOf } from "./image.ts";
import type { PodHost, PodReporter } from "./pod.ts";

export interface Ending {
  readonly record: PodRecord;
  readonly container: ContainerRecord;
  readonly end: Terminated;
}

/** Records the end, and tells it. */
export function recordEnd({ host: { state }, reporter }: { readonly host: PodHost; readonly reporter: PodReporter }, { record, container, end }: Ending): void {
  const { name } = container;
  const { restartPolicy: policy = record.pod.spec.restartPolicy, restartPolicyRules: rules = [] } = specOf(record, container);
  const stopping = record.reason === RESTARTING_ALL || !isActive(record, state.containers(record.uid));
  const next = afterEnd(container, end, { policy, rules, stopping });
  state.transaction(() => {
    state.updateContainer(record.uid, name, next);
    if (!stopping && matchingRule(rules, end.exitCode)?.action === "RestartAllContainers") state.updatePod(record.uid, { reason: RESTARTING_ALL });
  });
  const delay = next.state.status === "waiting" && next.state.until !== undefined ? backoffText(next.state.until - end.finishedAt) : undefined;
  const later = delay === undefined ? "" : `, restarts in ${delay}`;
  reporter.progress(end.reason === "Completed" ? `completed${later}` : `ended: ${end.reason} (exit code ${end.exitCode})${later}`, name);
  if (delay !== undefined) {
    reporter.event({ type: "Warning", reason: "BackOff", message: `Back-off ${delay} restarting failed container ${name} in pod ${record.pod.metadata.name}`, fieldPath: fieldPathOf(container) });
  }
}
