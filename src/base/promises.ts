/** Waiting for several things at once without losing sight of any. */
import { WherryError, messageOf } from "./errors.ts";

/**
 * Waits until all have ended, whatever becomes of them; nothing is left running behind a failure. Fails then with what
 * the only one failed with, or with one error that says all (the kind of the first).
 */
export async function allDone(promises: Iterable<Promise<unknown>>): Promise<void> {
  const outcomes = await Promise.allSettled(promises);
  const failures = outcomes.flatMap((outcome): readonly unknown[] => (outcome.status === "rejected" ? [outcome.reason] : []));
  const [first] = failures;
  if (failures.length === 0) return;
  if (failures.length === 1) throw first;
  const kind = first instanceof WherryError ? first.kind : "failed";
  throw new WherryError(kind, [...new Set(failures.map(messageOf))].join("; "), { cause: first });
}
