/** `wherry stats`: what the containers use, again and again. */
import type { Command, Listing } from "../command.ts";
import type { Context } from "../context.ts";
import { ALL_NAMESPACES, NAMESPACE, namespaceOf, output } from "../options.ts";
import { podWord } from "../find.ts";
import { columns } from "../print.ts";
import { measure, type Measured, memoryMax, usageValue, type UsageQuery } from "../usage.ts";
import { humanSize } from "../size.ts";

export const command: Command = {
  description: "CPU is of one processor: 200% are two. Memory is the working set, which the kernel cannot give back at once.",
  examples: ["wherry stats", "wherry stats web --no-stream", "wherry stats -A -o json"],
  options: [NAMESPACE, ALL_NAMESPACES, { long: "no-stream", summary: "look once" }, output("json", "yaml")],
  words: [{ name: "POD", optional: true, repeat: true, complete: "pods" }],
  async run(context, input) {
    const query: UsageQuery = { namespace: namespaceOf(input, { all: true }), pods: input.words.map(podWord), matches: () => true };
    const frames = listings(context, query);
    if (!input.flag("no-stream")) return { kind: "watch", redraw: true, frames };
    const first = await frames.next();
    return { kind: "listing", listings: first.done === true ? [] : [first.value] };
  },
};

async function* listings(context: Context, query: UsageQuery): AsyncGenerator<Listing> {
  for await (const measured of measure(context, query)) {
    const containers = measured.filter(({ container }) => container !== undefined);
    yield {
      columns: columns("POD,CONTAINER,CPU,MEMORY,LIMIT,MEMORY %,NET IN,NET OUT,READ,WRITTEN,PIDS"),
      rows: containers.map((each) => ({ name: `pod/${each.pod}`, cells: cells(each, query) })),
      value: () => containers.map(usageValue),
      empty: "No running containers found",
    };
  }
}

function cells(each: Measured, { namespace }: UsageQuery): readonly string[] {
  const { pod, container = "", cores, memory, memoryLimit, pids } = each;
  const percent = (part: number | undefined): string => (part === undefined ? UNKNOWN : `${(part * 100).toFixed(2)}%`);
  return [
    namespace === undefined ? `${each.namespace}/${pod}` : pod, container, percent(cores),
    size(memory), memoryLimit === undefined ? "none" : size(memoryLimit), percent(memory === undefined ? undefined : memory / memoryMax(each)),
    size(each.received), size(each.sent), size(each.read), size(each.written), String(pids),
  ];
}

const UNKNOWN = "--";
const size = (bytes: number | undefined): string => (bytes === undefined ? UNKNOWN : humanSize(bytes));
