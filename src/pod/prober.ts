/**
 * One probe of one start of a container, as the kubelet's prober counts it (pkg/kubelet/prober/worker.go): when it is
 * due, and what its results amount to. Pure; `probes.ts` drives it.
 */
import type { ProbeTiming } from "../spec/spec.ts";

export const PROBE_KINDS = ["startup", "readiness", "liveness"] as const;
export type ProbeKind = (typeof PROBE_KINDS)[number];

/** What one probe has found. `error`: it could not be made, which counts for nothing. */
export type ProbeResult =
  | { readonly is: "success"; /** told as an event */ readonly warning?: string }
  | { readonly is: "failure"; readonly output: string }
  | { readonly is: "error"; readonly message: string };

export interface Prober {
  /** The latest result that counts, and how many of its kind came in a row. */
  readonly last?: "success" | "failure";
  readonly run: number;
  /** Nothing more is probed until the container is started anew. */
  readonly held: boolean;
}

export const NEW_PROBER: Prober = { run: 0, held: false };

/** The state after a result, and the verdict when a threshold has been reached: from then on the container is taken to be so. */
export function afterResult(prober: Prober, result: ProbeResult["is"], { kind, timing }: { readonly kind: ProbeKind; readonly timing: ProbeTiming }): { readonly prober: Prober; readonly verdict?: "success" | "failure" } {
  if (result === "error") return { prober };
  const run = prober.last === result ? prober.run + 1 : 1;
  const threshold = result === "success" ? timing.successThreshold : timing.failureThreshold;
  if (run < threshold) return { prober: { last: result, run, held: false } };
  const ends = result === "failure" && kind !== "readiness";
  return { prober: { last: result, run: ends ? 0 : run, held: ends }, verdict: result };
}

/** The startup probe holds the others back until it has succeeded, and rests from then on. */
export const mayProbe = (kind: ProbeKind, prober: Prober, started: boolean): boolean => !prober.held && started === (kind !== "startup");

/** The grid of a probe's instants: every period from `anchor` on, in ms. */
export interface Grid {
  readonly anchor: number;
  readonly period: number;
}

/**
 * The instants of a container that was started at `startedAt`: from the end of the initial delay on. One that was taken
 * over from another supervisor waits for a random part (0 to 1) of a period, so that not all are probed at once.
 */
export function gridOf({ initialDelaySeconds, periodSeconds }: ProbeTiming, { startedAt, takenOverAt, random }: { readonly startedAt: number; readonly takenOverAt?: number; readonly random: number }): Grid {
  const period = periodSeconds * 1000;
  const first = startedAt + initialDelaySeconds * 1000;
  return { period, anchor: takenOverAt === undefined ? first : Math.max(first, takenOverAt + random * period) };
}

/** Part of a period that an instant may come later to coincide with those of others: waking up costs more than a probe. */
const SLACK = 0.1;

/**
 * The instant that follows `after`, which is the latest one that was probed, or none yet. The first one comes when it is
 * due; others up to a tenth of the period later, at times that all probes of the period have in common. One that has been
 * missed is made up for at once, others are not.
 */
export function nextProbe({ anchor, period }: Grid, { after, now }: { readonly after: number | undefined; readonly now: number }): number {
  if (after === undefined) return Math.max(anchor, now);
  if (after < anchor) return anchor;
  const next = anchor + (Math.floor((after - anchor) / period) + 1) * period;
  const step = period * SLACK;
  return Math.max(Math.ceil(next / step) * step, now);
}
