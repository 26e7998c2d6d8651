/**
 * The golden files: `good/NAME.yaml` with its objects in `NAME.json`, `bad/NAME.yaml` with its problems in `NAME.problems`.
 * `bun src/kube/testdata/golden.ts` writes the expectations anew, to be read in the diff.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { check } from "../check.ts";
import { formatProblem } from "../problems.ts";

export interface GoldenCase {
  readonly name: string;
  readonly text: string;
  /** File with the expectation. */
  readonly expected: string;
}

/** The cases of a folder, by name. */
export function goldenCases(folder: "good" | "bad"): readonly GoldenCase[] {
  const names = readdirSync(`${import.meta.dir}/${folder}`).filter((name) => name.endsWith(".yaml")).sort();
  return names.map((name) => {
    const path = `${import.meta.dir}/${folder}/${name}`;
    return { name, text: readFileSync(path, "utf8"), expected: path.replace(/yaml$/, folder === "good" ? "json" : "problems") };
  });
}

/** What a case gives now: objects as JSON, or one line for each problem. */
export function outcomeOf({ name, text }: GoldenCase): string {
  const result = check([{ file: name, text }]);
  if (result.ok) return `${JSON.stringify(result.checked.objects, null, 2)}\n`;
  return result.problems.map((problem) => `[${problem.code}] ${formatProblem(problem)}\n`).join("");
}

if (import.meta.main) for (const golden of [...goldenCases("good"), ...goldenCases("bad")]) writeFileSync(golden.expected, outcomeOf(golden));
