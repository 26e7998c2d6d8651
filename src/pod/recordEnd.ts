/** Records how a container ended and what becomes of it: its restart, its back-off, or nothing more. */
import type { Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { afterEnd, backoffText, crashLoop, HOOK_FAILED, isActive, matchingRule, RESTARTING_ALL } from "./decide.ts";
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
  const hookError = container.health?.id === end.id ? container.health.hookError : undefined;
  const next = afterEnd(container, end, { policy, rules, stopping, hookError });
  state.transaction(() => {
    state.updateContainer(record.uid, name, next);
    if (!stopping && matchingRule(rules, end.exitCode)?.action === "RestartAllContainers") state.updatePod(record.uid, { reason: RESTARTING_ALL });
  });
  const delay = next.state.status === "waiting" && next.state.until !== undefined ? backoffText(next.state.until - end.finishedAt) : undefined;
  const later = delay === undefined ? "" : `, restarts in ${delay}`;
  reporter.progress(end.reason === "Completed" ? `completed${later}` : `ended: ${end.reason} (exit code ${end.exitCode})${later}`, name);
  if (delay !== undefined && hookError === undefined) tellBackOff(reporter, { record, container, delay });
}

function tellBackOff(reporter: PodReporter, { record, container, delay }: Omit<Ending, "end"> & { readonly delay: string }): void {
  reporter.event({ type: "Warning", reason: "BackOff", message: `Back-off ${delay} restarting failed container ${container.name} in pod ${record.pod.metadata.name}`, fieldPath: fieldPathOf(container) });
}

/** Milliseconds for which a failed hook is shown before the back-off that follows it: a kubelet has looked again by then. */
const HOOK_SHOWN = 1_000;

/** Failed hooks that have been shown long enough become their back-off. `wakeAt`: when the next one does. */
export function showBackOffs({ host: { state, now }, reporter }: { readonly host: PodHost; readonly reporter: PodReporter }, record: PodRecord, containers: readonly ContainerRecord[]): { readonly changed: boolean; readonly wakeAt?: number } {
  const later: number[] = [];
  let changed = false;
  for (const container of containers) {
    if (container.state.status !== "waiting" || container.state.reason !== HOOK_FAILED || container.state.until === undefined) continue;
    const ended = container.last?.finishedAt ?? 0;
    if (ended + HOOK_SHOWN > now()) later.push(ended + HOOK_SHOWN);
    else {
      const delay = container.state.until - ended;
      state.updateContainer(record.uid, container.name, { state: crashLoop(delay, container.state.until) });
      tellBackOff(reporter, { record, container, delay: backoffText(delay) });
      changed = true;
    }
  }
  return { changed, ...(later.length === 0 ? {} : { wakeAt: Math.min(...later) }) };
}
