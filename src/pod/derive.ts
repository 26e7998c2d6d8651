/** What follows for a pod from the states of its containers. Pure. */
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { initContainers, livePhase } from "./decide.ts";
import { isReady } from "./readiness.ts";

/** Phase, initializedAt and readyAt as they should be recorded; only what has changed. */
export function derive(record: PodRecord, containers: readonly ContainerRecord[], now: number): Partial<Pick<PodRecord, "phase" | "initializedAt" | "readyAt">> {
  const ended = record.sandboxAt === 0 && (record.phase === "Succeeded" || record.phase === "Failed");
  const phase = ended ? record.phase : livePhase(containers);
  const initialized = initContainers(containers).every((each) => each.state.status === "terminated" && each.state.exitCode === 0);
  const ready = !ended && record.sandboxAt > 0 && isReady(containers);
  return {
    ...(phase === record.phase ? {} : { phase }),
    ...(initialized === record.initializedAt > 0 ? {} : { initializedAt: initialized ? now : 0 }),
    ...(ready === record.readyAt > 0 ? {} : { readyAt: ready ? now : 0 }),
  };
}
