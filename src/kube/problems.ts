/** What is wrong with a manifest: collected in any order, told in the order of the text. */
import { WherryError } from "../base/errors.ts";
import type { Notice, Problem } from "./kube.ts";

/** Collects problems; of several for the same field and code at the same place only the first is kept. */
export interface Problems {
  add(problem: Problem): void;
  readonly count: number;
  /** By file (in the order given), line and column. */
  sorted(files: readonly string[]): readonly Problem[];
}

/** An empty collection. */
export function collectProblems(): Problems {
  const found = new Map<string, Problem>();
  return {
    add(problem) {
      const key = JSON.stringify([problem.file, problem.line, problem.column, problem.path, problem.code]);
      if (!found.has(key)) found.set(key, Object.freeze(problem));
    },
    get count() {
      return found.size;
    },
    sorted(files) {
      const order = new Map(files.map((file, index) => [file, index]));
      const rank = ({ file }: Problem): number => order.get(file) ?? files.length;
      return Object.freeze([...found.values()].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column));
    },
  };
}

/** One line, as compilers write it: `shop.yaml:12:9: spec.hostname: what is, what should be (hint)`. */
export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
  return `${problem.file}:${problem.line}:${problem.column}: ${path}${problem.message}${hint}`;
}

/** One line for a field that means nothing, or less, here, in the form of a problem. */
export const formatNotice = ({ file, line, column, path, why, host }: Notice): string => `${file}:${line}:${column}: ${path}: ${host === true ? "not as asked for on this host" : "no effect on a single host"}: ${why}`;

/** The error of a manifest that was refused: kind `invalid`, all problems in `context.problems`; a single one is in the message. */
export function problemsError(problems: readonly Problem[]): WherryError {
  const [first] = problems;
  const files = [...new Set(problems.map(({ file }) => file))].join(", ");
  const what = first !== undefined && problems.length === 1 ? formatProblem(first) : `${problems.length} problems`;
  const message = `Cannot use "${files}": ${what}`;
  return new WherryError("invalid", message, { code: "EMANIFEST", context: { problems } });
}
