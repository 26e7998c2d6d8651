import { describe, expect, test } from "bun:test";
import type { ProbeTiming } from "../spec/spec.ts";
import { afterResult, gridOf, mayProbe, NEW_PROBER, nextProbe, type ProbeKind, type Prober } from "./prober.ts";

const timing = (change: Partial<ProbeTiming> = {}): ProbeTiming => ({ initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3, ...change });

/** The verdicts that a row of results leads to: S, F, or . for none. Results: s, f, and e for one that could not be made. */
function verdicts(kind: ProbeKind, change: Partial<ProbeTiming>, results: string): { readonly verdicts: string; readonly prober: Prober } {
  let prober = NEW_PROBER;
  let said = "";
  for (const letter of results) {
    const after = afterResult(prober, letter === "s" ? "success" : letter === "f" ? "failure" : "error", { kind, timing: timing(change) });
    prober = after.prober;
    said += after.verdict === undefined ? "." : after.verdict === "success" ? "S" : "F";
  }
  return { verdicts: said, prober };
}

describe("afterResult()", () => {
  const table: readonly (readonly [ProbeKind, Partial<ProbeTiming>, string, string])[] = [
    ["readiness", {}, "ffff", "..FF"],
    ["readiness", {}, "ffsff", "..S.."],
    ["readiness", { successThreshold: 2 }, "ssfss", ".S..S"],
    ["readiness", {}, "feff", "...F"],
    ["readiness", { failureThreshold: 1 }, "sfsf", "SFSF"],
    ["liveness", {}, "sfff", "S..F"],
    ["liveness", {}, "ffsfff", "..S..F"],
    ["startup", { failureThreshold: 2 }, "ff", ".F"],
    ["startup", { failureThreshold: 30 }, "ffffs", "....S"],
  ];
  test.each(table)("afterResult() of a %s probe with %o turns %s into %s", (kind, change, results, expected) => {
    expect(verdicts(kind, change, results).verdicts).toBe(expected);
  });

  test("afterResult() holds a probe that ends the container, and no readiness probe", () => {
    expect(verdicts("liveness", {}, "fff").prober).toMatchObject({ held: true, run: 0 });
    expect(verdicts("startup", {}, "fff").prober.held).toBe(true);
    expect(verdicts("readiness", {}, "ffff").prober.held).toBe(false);
  });
});

describe("mayProbe()", () => {
  test("mayProbe() lets the startup probe run alone until it has succeeded, then the others", () => {
    const kinds: readonly ProbeKind[] = ["startup", "readiness", "liveness"];
    expect(kinds.filter((kind) => mayProbe(kind, NEW_PROBER, false))).toEqual(["startup"]);
    expect(kinds.filter((kind) => mayProbe(kind, NEW_PROBER, true))).toEqual(["readiness", "liveness"]);
    expect(mayProbe("liveness", { run: 0, held: true }, true)).toBe(false);
  });
});

describe("nextProbe()", () => {
  const grid = gridOf(timing({ initialDelaySeconds: 5 }), { startedAt: 1_000, random: 0.5 });

  test("gridOf() begins when the initial delay is over", () => {
    expect(grid).toEqual({ anchor: 6_000, period: 10_000 });
  });

  test("gridOf() of a container that was taken over begins within a period", () => {
    expect(gridOf(timing(), { startedAt: 1_000, takenOverAt: 100_000, random: 0.25 }).anchor).toBe(102_500);
    expect(gridOf(timing({ initialDelaySeconds: 600 }), { startedAt: 1_000, takenOverAt: 100_000, random: 0.25 }).anchor).toBe(601_000);
  });

  test("nextProbe() keeps to the grid, however long a probe took", () => {
    expect(nextProbe(grid, { after: undefined, now: 1_000 })).toBe(6_000);
    expect(nextProbe(grid, { after: 6_000, now: 6_900 })).toBe(16_000);
    expect(nextProbe(grid, { after: 16_003, now: 17_000 })).toBe(26_000);
    expect(nextProbe(grid, { after: 2_000, now: 2_100 })).toBe(6_000);
  });

  test("nextProbe() comes together with the others, within a tenth of the period and without drift", () => {
    const at = (anchor: number, after: number): number => nextProbe({ anchor, period: 10_000 }, { after, now: after });
    expect([at(6_001, 6_001), at(6_400, 6_405), at(6_999, 7_003)]).toEqual([17_000, 17_000, 17_000]);
    expect([at(6_001, 17_000), at(6_400, 17_002), at(6_999, 17_900)]).toEqual([27_000, 27_000, 27_000]);
    expect(nextProbe({ anchor: 6_050, period: 1_000 }, { after: 6_050, now: 6_060 })).toBe(7_100);
  });

  test("nextProbe() makes up for one that was missed, and not for more", () => {
    expect(nextProbe(grid, { after: 6_000, now: 58_000 })).toBe(58_000);
    expect(nextProbe(grid, { after: 58_000, now: 58_100 })).toBe(66_000);
  });
});
