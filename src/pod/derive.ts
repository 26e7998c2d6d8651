/** What follows for a pod from the states of its containers. Pure. */
import type { ContainerRecord, PodConditions, PodRecord } from "../state/state.ts";
import { initContainers, isInitialized, livePhase } from "./decide.ts";
import { containersReady, isReady } from "./readiness.ts";

type Derived = Partial<Pick<PodRecord, "phase" | "initializedAt" | "readyAt" | "conditions">>;

/** Phase, initializedAt, readyAt and conditions as they should be recorded; only what has changed. */
export function derive(record: PodRecord, containers: readonly ContainerRecord[], now: number): Derived {
  const ended = record.sandboxAt === 0 && (record.phase === "Succeeded" || record.phase === "Failed");
  const phase = ended ? record.phase : livePhase(containers);
  const initialized = isPodInitialized(record, containers);
  const stands = !ended && record.sandboxAt > 0;
  const ready = stands && isReady(record, containers);
  const conditions = changed(record.conditions ?? {}, now, {
    PodReadyToStartContainers: record.sandboxAt > 0, Initialized: initialized, ContainersReady: stands && containersReady(record, containers), Ready: ready,
  });
  return {
    ...(phase === record.phase ? {} : { phase }),
    ...(initialized === record.initializedAt > 0 ? {} : { initializedAt: initialized ? now : 0 }),
    ...(ready === record.readyAt > 0 ? {} : { readyAt: ready ? now : 0 }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}

/** Init containers have completed and sidecars have started; a sidecar that is started anew later changes nothing. */
function isPodInitialized(record: PodRecord, containers: readonly ContainerRecord[]): boolean {
  const counted = initContainers(containers).filter((each) => each.kind === "init" || record.initializedAt === 0);
  return counted.every((each) => isInitialized(record, each));
}

/** The conditions with what has changed of them, or undefined when nothing has. What was never true needs no record. */
function changed(before: PodConditions, now: number, present: Readonly<Record<string, boolean>>): PodConditions | undefined {
  const news = Object.entries(present).filter(([type, holds]) => holds !== (before[type]?.status === "True"));
  if (news.length === 0) return undefined;
  return { ...before, ...Object.fromEntries(news.map(([type, holds]) => [type, { status: holds ? ("True" as const) : ("False" as const), since: now }])) };
}
