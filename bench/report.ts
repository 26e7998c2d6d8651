/** Samples → the table, in Markdown. Pure. */
import { ENGINES, type EngineName } from "./engine.ts";
import type { Aim, Row, Unit } from "./rows.ts";
import type { Samples } from "./samples.ts";

const FORMATS: Readonly<Record<Unit, (value: number) => string>> = {
  s: (value) => `${value.toFixed(2)} s`,
  ms: (value) => `${(value * 1000).toFixed(0)} ms`,
  MB: (value) => `${value.toFixed(1)} MB`,
  "%": (value) => `${value.toFixed(2)} %`,
  bytes: (value) => `${value} bytes`,
  times: (value) => `${value}`,
};
/** Milliseconds are measured in seconds. */
const SCALE: Readonly<Partial<Record<Unit, number>>> = { ms: 1000 };

/** The table: medians, ratios, aims, and whether they have been reached. Rows without a measurement are left out. */
export function table(samples: Samples, all: readonly Row[]): string {
  const rows = all.filter((row) => ENGINES.some((engine) => samples.count(row.key, engine) > 0));
  const head = ["", ...ENGINES, "wherry ÷ Podman", "wherry ÷ floor", "aim", "", "repetitions"];
  return [head, head.map(() => "---"), ...rows.map((row) => cells(row, samples))].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function cells(row: Row, samples: Samples): readonly string[] {
  const value = (engine: EngineName): number | undefined => samples.median(row.key, engine);
  const shown = (engine: EngineName): string => optional(value(engine), FORMATS[row.unit]);
  const ratio = (engine: EngineName): string => optional(ratioOf(value("wherry"), value(engine)), (each) => each.toFixed(2));
  const counts = ENGINES.map((engine) => samples.count(row.key, engine)).filter((count) => count > 0);
  return [
    row.title,
    ...ENGINES.map(shown),
    ratio("Podman"),
    ratio("floor"),
    row.aims.map((aim) => aimText(aim, row.unit)).join(", "),
    row.aims.map((aim) => verdict(aim, row, samples)).join(", "),
    new Set(counts).size === 1 ? String(counts[0]) : counts.join("/"),
  ];
}

function aimText({ most, times, than }: Aim, unit: Unit): string {
  const reference = times ?? than?.words;
  return reference === undefined ? `≤ ${most} ${unit}` : `≤ ${most} × ${reference}`;
}

function verdict({ most, times, than }: Aim, row: Row, samples: Samples): string {
  const own = samples.median(row.key, "wherry");
  const relative = times !== undefined || than !== undefined;
  const reached = relative ? ratioOf(own, than === undefined ? samples.median(row.key, times ?? "wherry") : samples.median(than.key, "wherry")) : own;
  if (reached === undefined) return "–";
  return reached * (relative ? 1 : (SCALE[row.unit] ?? 1)) <= most ? "ok" : "**missed**";
}

const ratioOf = (one: number | undefined, other: number | undefined): number | undefined => (one === undefined || other === undefined || other === 0 ? undefined : one / other);
const optional = (value: number | undefined, format: (value: number) => string): string => (value === undefined ? "" : format(value));
