/** `wherry validate`: checks manifests as play does, and touches nothing. */
import type { Problem } from "../../kube/kube.ts";
import type { Command, Input, Outcome } from "../command.ts";
import { EXIT_CODES } from "../failure.ts";
import { configMapFiles, lacksOf, readManifests } from "../manifests.ts";
import { NAMESPACE, output } from "../options.ts";

export const command: Command = {
  description: "All problems are shown at once, with file, line and column; the exit status is then 3. -o json prints them as an array.",
  examples: ["wherry validate shop.yaml", "cat shop.yaml | wherry validate - -o json"],
  options: [
    NAMESPACE,
    { long: "configmap", value: "FILE", repeat: true, summary: "ConfigMaps that the manifest refers to", complete: "files" },
    output("json", "yaml"),
  ],
  words: [{ name: "FILE", repeat: true, complete: "files" }],
  async run(context, input): Promise<Outcome> {
    const { check, formatNotice, formatProblem } = await context.engine.kube();
    const namespace = input.text("namespace");
    const manifests = await readManifests(context, input.words);
    const result = check(manifests, { lacks: await lacksOf(context, manifests), ...(namespace === undefined ? {} : { namespace }), configMaps: await readManifests(context, configMapFiles(input)) });
    const problems = result.ok ? [] : result.problems;
    const exitCode = result.ok ? 0 : EXIT_CODES.invalid;
    if (input.text("output") !== undefined) return { kind: "value", value: problems, exitCode };
    if (result.ok) for (const notice of result.checked.notices) await context.stderr.write(`${formatNotice(notice)}\n`);
    const text = result.ok ? summary(input, result.checked.objects.length) : problemText(problems, formatProblem);
    return { kind: "text", text, exitCode };
  },
};

const summary = (input: Input, count: number): string => `${input.words.join(", ")}: ${count} ${count === 1 ? "object" : "objects"}, no problems`;

function problemText(problems: readonly Problem[], formatProblem: (problem: Problem) => string): string {
  return [...problems.map(formatProblem), `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`].join("\n");
}
