/** What has been measured: for every row and engine, one number per repetition. */
import type { EngineName } from "./engine.ts";

export class Samples {
  readonly #rows = new Map<string, Map<EngineName, number[]>>();

  add(row: string, engine: EngineName, value: number): void {
    const engines = this.#rows.get(row) ?? new Map<EngineName, number[]>();
    this.#rows.set(row, engines);
    engines.set(engine, [...(engines.get(engine) ?? []), value]);
  }

  /** Undefined when nothing has been measured. */
  median(row: string, engine: EngineName): number | undefined {
    return median(this.#rows.get(row)?.get(engine) ?? []);
  }

  /** How often it has been measured. */
  count(row: string, engine: EngineName): number {
    return this.#rows.get(row)?.get(engine)?.length ?? 0;
  }
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
