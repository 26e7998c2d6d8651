/**
 * Writes docs/kubernetes.md: every field of the Kubernetes API that a manifest can hold, what wherry does with it, and
 * the test that sees it; from the table in src/kube/table/.
 *
 *     bun tools/generate-kubernetes-doc.ts            # write the file
 *     bun tools/generate-kubernetes-doc.ts --check    # exit status 1 when the file is not what would be written
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type ExplainedField, everyField } from "../src/kube/explain.ts";

const TARGET = resolve(import.meta.dir, "../docs/kubernetes.md");
const WORDS: Readonly<Record<ExplainedField["effect"], string>> = { runs: "yes", none: "no effect", refused: "refused" };

function generate(): string {
  const types = everyField();
  const all = types.flatMap(({ fields }) => fields);
  const count = (effect: ExplainedField["effect"]): number => all.filter((field) => field.effect === effect).length;
  return [
    "# Kubernetes, field by field",
    "",
    "Made by tools/generate-kubernetes-doc.ts from the table in src/kube/table/; not edited by hand. `wherry explain PATH`",
    "prints the same. *yes*: it has its effect, which the test sees. *no effect*: it is for a cluster; it is taken, checked,",
    "and listed once by `play` and `validate`. *refused*: it is an error with file, line and column.",
    "",
    `${all.length} fields: ${count("runs")} yes, ${count("none")} without effect on a single host, ${count("refused")} refused.`,
    ...types.flatMap(({ type, fields }) => ["", `## ${type}`, "", "| field | type | wherry | what | test |", "|---|---|---|---|---|", ...fields.map(row)]),
    "",
  ].join("\n");
}

function row({ name, type, effect, what, test }: ExplainedField): string {
  return `| ${name} | ${type} | ${WORDS[effect]} | ${what.replaceAll("|", "\\|")} | ${test === undefined ? "" : `[${test.split("/").at(-1)}](../${test})`} |`;
}

const wanted = generate();
if (!process.argv.includes("--check")) writeFileSync(TARGET, wanted);
else if (readFileSync(TARGET, "utf8") !== wanted) {
  console.error(`${TARGET} is out of date: run bun tools/generate-kubernetes-doc.ts`);
  process.exitCode = 1;
}
