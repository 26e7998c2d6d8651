/**
 * Units that start at boot take turns: about as many as there are cores are starting at once, so that each is done soon
 * and none runs into its time limit because of the others. A turn is over when the first container of every pod runs, not
 * when all are ready: a service may wait for another one, which must get its turn.
 */
import { availableParallelism } from "node:os";
import { acquire, acquireWithin, type Lock } from "../base/locks.ts";
import { type Paths, startLock } from "../base/paths.ts";
import type { Engine } from "../service/engine.ts";
import type { ServiceName } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";

/** Milliseconds between two calls of `onWait`. */
const SAY_EVERY = 10_000;
/** Milliseconds after which a start gives its turn to the next, whatever keeps it: an image that is being pulled. */
const LONGEST = 20_000;

/** Waits for one of the turns; `onWait` is called at first, and every ten seconds, while there is none. */
export async function startTurn(paths: Paths, onWait: () => void, turns = availableParallelism()): Promise<Lock> {
  for (let slot = 0; slot < turns; slot++) {
    const free = acquire(startLock(paths, slot), { wait: false });
    if (free !== undefined) return free;
  }
  const slot = process.pid % turns; // so that those who wait are spread over all
  for (;;) {
    onWait();
    const lock = await acquireWithin(startLock(paths, slot), { timeout: SAY_EVERY });
    if (lock !== undefined) return lock;
  }
}

/** Gives a turn back when the service has begun, which `look` looks for, or when it was held for long enough. */
export function turnOf({ host: { state } }: Engine, service: ServiceName, turn: Lock): { look(): void } & Disposable {
  const end = (): void => {
    clearTimeout(late);
    turn[Symbol.dispose]();
  };
  const late = setTimeout(end, LONGEST);
  const begun = (record: PodRecord): boolean => hasBegun(record, state.containers(record.uid));
  return {
    look: () => (state.pods({ service }).every(begun) ? end() : undefined),
    [Symbol.dispose]: end,
  };
}

/** A container of the pod runs or has run, or the pod waits for something else than this host's processors. */
export function hasBegun(record: Pick<PodRecord, "wanted" | "reason">, containers: readonly Pick<ContainerRecord, "state">[]): boolean {
  if (record.wanted !== "running" || record.reason !== "") return true;
  return containers.some(({ state }) => state.status === "running" || state.status === "terminated" || (state.status === "waiting" && state.reason !== "ContainerCreating" && state.reason !== "PodInitializing"));
}
