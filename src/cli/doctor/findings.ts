/** All findings of a host, in the order in which they are worth mending. Pure. */
import type { Facts, Finding } from "./facts.ts";
import { kernelFindings } from "./kernel.ts";
import { placeFindings } from "./places.ts";
import { programFindings } from "./programs.ts";
import { userFindings } from "./users.ts";

/** One for each precondition of this user's wherry. */
export const findingsOf = (facts: Facts): readonly Finding[] => [...kernelFindings(facts), ...userFindings(facts), ...placeFindings(facts), ...programFindings(facts)];

/** `2 missing, 1 warning` */
export function summary(findings: readonly Finding[]): string {
  const count = (level: Finding["level"]): number => findings.filter((each) => each.level === level).length;
  const [gone, less] = [count("missing"), count("warning")];
  if (gone === 0 && less === 0) return "nothing is missing";
  return `${gone === 0 ? "nothing is missing" : `${gone} missing`}, ${less} ${less === 1 ? "warning" : "warnings"}`;
}
