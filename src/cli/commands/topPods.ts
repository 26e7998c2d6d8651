/** `wherry top pods`: cores and memory of pods, in kubectl's columns. */
import type { Command, Listing } from "../command.ts";
import { ALL_NAMESPACES, NAMESPACE, namespaceOf, output, SELECTOR } from "../options.ts";
import { podWord } from "../find.ts";
import { columns } from "../print.ts";
import { parseSelector } from "../selector.ts";
import { measure, type Measured, usageValue } from "../usage.ts";

export const command: Command = {
  examples: ["wherry top pods", "wherry top pod web --containers", "wherry top pods -A --sort-by=memory"],
  options: [
    NAMESPACE, ALL_NAMESPACES, SELECTOR,
    { long: "containers", summary: "containers instead of pods" },
    { long: "sort-by", value: "WHAT", choices: ["cpu", "memory"], summary: "most first: cpu or memory" },
    { long: "no-headers", summary: "no headers" },
    output("json", "yaml"),
  ],
  words: [{ name: "POD", optional: true, complete: "pods" }],
  async run(context, input) {
    const selector = input.text("selector");
    const namespace = namespaceOf(input, { all: true });
    const first = await measure(context, { namespace, pods: input.words.map(podWord), matches: selector === undefined ? () => true : parseSelector(selector) }).next();
    const by = input.text("sort-by");
    const containers = input.flag("containers");
    const found = sorted((first.done === true ? [] : first.value).filter(({ container }) => (container !== undefined) === containers), by);
    const listing = listingOf(found, { containers, everywhere: namespace === undefined });
    if (!input.flag("no-headers")) return { kind: "listing", listings: [listing] };
    return { kind: "text", text: listing.rows.map(({ cells }) => cells.join("   ")).join("\n") };
  },
};

function sorted(found: readonly Measured[], by: string | undefined): readonly Measured[] {
  if (by === undefined) return found;
  const amount = ({ cores, memory }: Measured): number => (by === "cpu" ? cores : memory) ?? 0;
  return found.toSorted((a, b) => amount(b) - amount(a));
}

function listingOf(found: readonly Measured[], { containers, everywhere }: { readonly containers: boolean; readonly everywhere: boolean }): Listing {
  const headers = [...(everywhere ? ["NAMESPACE"] : []), ...(containers ? ["POD", "NAME"] : ["NAME"]), "CPU(cores)", "MEMORY(bytes)"];
  return {
    columns: columns(headers.join(",")),
    rows: found.map((each) => ({
      name: `pod/${each.pod}`,
      cells: [...(everywhere ? [each.namespace] : []), each.pod, ...(containers ? [each.container ?? ""] : []), milli(each.cores), mebi(each.memory)],
    })),
    value: () => found.map(usageValue),
    empty: "No resources found",
  };
}

const milli = (cores: number | undefined): string => (cores === undefined ? "<unknown>" : `${Math.ceil(cores * 1000)}m`);
const mebi = (bytes: number | undefined): string => (bytes === undefined ? "<unknown>" : `${Math.floor(bytes / 2 ** 20)}Mi`);
