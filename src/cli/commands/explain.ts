/** `wherry explain PATH`: what wherry does with a field of a manifest. */
import type { ExplainedField, Explanation } from "../../kube/explain.ts";
import type { Command, Outcome } from "../command.ts";
import { output } from "../options.ts";
import { columns, table } from "../print.ts";

export const command: Command = {
  description: "The path begins with a kind: pod.spec.containers.livenessProbe. The same table checks manifests and makes docs/kubernetes.md.",
  examples: ["wherry explain pod.spec", "wherry explain pod.spec.containers.resources", "wherry explain configmap"],
  options: [output("json", "yaml")],
  words: [{ name: "PATH" }],
  async run(context, input): Promise<Outcome> {
    const { explain } = await context.engine.kube();
    const explanation = explain(input.words[0] ?? "");
    return input.text("output") === undefined ? { kind: "text", text: textOf(explanation) } : { kind: "value", value: explanation };
  },
};

const WORDS: Readonly<Record<ExplainedField["effect"], string>> = { runs: "yes", none: "no effect on a single host", refused: "refused" };

function textOf({ kind, field, fields }: Explanation): string {
  const head = [`KIND:     ${kind}`, "VERSION:  v1"];
  const about = field === undefined ? [] : [`FIELD:    ${field.name} <${field.type}>`, `WHERRY:   ${WORDS[field.effect]}: ${field.what}`, ...(field.test === undefined ? [] : [`TEST:     ${field.test}`])];
  const rows = fields.map(({ name, type, effect, what }) => ({ name, cells: [name, `<${type}>`, WORDS[effect], what] }));
  const list = rows.length === 0 ? [] : ["", ...table({ columns: columns("FIELD,TYPE,WHERRY,WHAT"), rows })];
  return [...head, ...about, ...list].join("\n");
}
