/** `wherry events`: what has happened, oldest first. */
import { fail } from "../../base/errors.ts";
import type { EventRecord } from "../../state/state.ts";
import type { Command, Input, Listing, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { eventItem, kind } from "../kinds/events.ts";
import { ALL_NAMESPACES, NAMESPACE, namespaceOf, output, WATCH } from "../options.ts";
import { changes } from "../watching.ts";

export const command: Command = {
  examples: ["wherry events --for pod/web", "wherry events -A -w"],
  options: [
    NAMESPACE,
    ALL_NAMESPACES,
    { long: "for", value: "KIND/NAME", summary: "only events of this object: pod/web, service/shop" },
    { long: "types", value: "TYPES", summary: "only events of these types: Normal, Warning" },
    output("json", "yaml"),
    WATCH,
  ],
  words: [],
  async run(context, input): Promise<Outcome> {
    const query = queryOf(input);
    if (input.flag("watch")) return { kind: "watch", redraw: false, frames: frames(context, query) };
    const state = await context.engine.runtime();
    const found = state.events(query.filter).filter(query.matches).toSorted((one, other) => one.lastAt - other.lastAt || one.sequence - other.sequence);
    return { kind: "listing", listings: [listing(found, query, { context, watched: false })] };
  },
};

interface Query {
  readonly filter: { readonly namespace?: string; readonly name?: string };
  readonly matches: (event: EventRecord) => boolean;
}

function queryOf(input: Input): Query {
  const namespace = namespaceOf(input, { all: true });
  const object = objectOf(input.text("for"));
  const types = input.text("types")?.toLowerCase().split(",");
  return {
    filter: { ...(namespace === undefined ? {} : { namespace }), ...(object === undefined ? {} : { name: object.name }) },
    matches: (event) => (object === undefined || event.kind === object.kind) && (types === undefined || types.includes(event.type.toLowerCase())),
  };
}

function objectOf(text: string | undefined): { readonly kind: "Pod" | "Service"; readonly name: string } | undefined {
  if (text === undefined) return undefined;
  const [kind = "", name = ""] = text.split("/");
  if (name !== "" && /^(pods?|po)$/i.test(kind)) return { kind: "Pod", name };
  if (name !== "" && /^services?$/i.test(kind)) return { kind: "Service", name };
  fail("usage", `Cannot show events for "${text}": it must be pod/NAME or service/NAME`);
}

/** First all events, then those that were added or counted up. */
async function* frames(context: Context, query: Query): AsyncGenerator<Listing> {
  let after = 0;
  let first = true;
  for await (const _ of changes(context)) {
    const state = await context.engine.runtime();
    const fresh = state.events({ ...query.filter, after });
    const found = fresh.filter(query.matches);
    if (first || found.length > 0) yield listing(found, query, { context, watched: true });
    after = Math.max(after, ...fresh.map((event) => event.sequence));
    first = false;
  }
}

function listing(found: readonly EventRecord[], { filter }: Query, options: { readonly context: Context; readonly watched: boolean }): Listing {
  const everywhere = filter.namespace === undefined;
  const items = found.map((event) => eventItem(event, options.context));
  const objects = (): readonly unknown[] => items.map((item) => item.object());
  return {
    columns: [...(everywhere ? [{ header: "NAMESPACE" }] : []), ...kind.columns],
    rows: items.map((item) => ({ name: `event/${item.name}`, cells: [...(everywhere ? [item.namespace] : []), ...item.cells] })),
    value: () => (options.watched && items.length === 1 ? objects()[0] : { apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items: objects() }),
    empty: everywhere ? "No events found." : `No events found in ${filter.namespace} namespace.`,
  };
}
