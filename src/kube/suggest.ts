/** "Did you mean": the word that was probably meant, or the place where the field belongs. */
import { FIELDS } from "./generated/fields.ts";
import { isSupported } from "./support.ts";

/** The candidate nearest to `word`, when it is near: equal but for case, or one slip in three letters. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase(), limit) }))
    .filter((entry) => entry.distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** `did you mean "X"?`, or undefined. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const found = nearest(word, candidates);
  return found === undefined ? undefined : `did you mean "${found}"?`;
}

/** Edit distance with swapped neighbours (optimal string alignment). More than `limit` is reported as `limit + 1`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const edit = Math.min((last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      next.push(swapped ? Math.min(edit, (before[column - 2] ?? 0) + 1) : edit);
    }
    before = last;
    last = next;
  }
  return last[b.length] ?? limit + 1;
}

/** One step on the way from the root of an object: the path there and the type of what is there. */
export interface Step {
  readonly path: string;
  readonly type: string;
}

/**
 * The path of the place nearest to `trail` (root first, the place of the mistake last), by steps up and down, that has a field `name`;
 * fields that wherry runs come first. `spec.restartPolicy` for `restartPolicy` below `metadata`.
 */
export function elsewhere(name: string, trail: readonly Step[]): string | undefined {
  for (const accepted of [isSupported, () => true]) {
    const found = trail.toReversed().flatMap((step, up) => {
      const path = below(name, step, accepted);
      return path === undefined ? [] : [{ path, steps: up + path.split(".").length - (step.path === "" ? 0 : step.path.split(".").length) }];
    });
    const [nearest] = found.toSorted((one, other) => one.steps - other.steps);
    if (nearest !== undefined) return nearest.path;
  }
  return undefined;
}

/** Breadth first below a step; a list in between is written `[]`. */
function below(name: string, start: Step, accepted: (type: string, field: string) => boolean): string | undefined {
  const queue: Step[] = [start];
  const seen = new Set([start.type]);
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    for (const [field, reference] of Object.entries(FIELDS[step.type] ?? {})) {
      if (!accepted(step.type, field)) continue;
      const path = step.path === "" ? field : `${step.path}.${field}`;
      if (field.toLowerCase() === name.toLowerCase()) return path;
      const type = reference.replace("[]", "");
      if (!seen.has(type) && Object.hasOwn(FIELDS, type)) queue.push({ path: reference.endsWith("[]") ? `${path}[]` : path, type });
      seen.add(type);
    }
  }
  return undefined;
}
