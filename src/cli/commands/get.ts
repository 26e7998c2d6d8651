/** `wherry get`: objects as tables or as Kubernetes objects. */
import { fail } from "../../base/errors.ts";
import type { Command, Input, Listing, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { podNotFound } from "../find.ts";
import type { Item, Kind } from "../item.ts";
import { type Asked, KINDS, parseAsked } from "../kinds.ts";
import { ALL_NAMESPACES, NAMESPACE, namespaceOf, output, SELECTOR, WATCH } from "../options.ts";
import { parseSelector } from "../selector.ts";
import { changes } from "../watching.ts";

export const command: Command = {
  description: `Kinds: ${KINDS.map((row) => [row.plural, ...row.short].join(" or ")).join(", ")}. Values of Secrets are never shown: every key is there with an empty value, and the annotation wherry/data-bytes gives the sizes.`,
  examples: ["wherry get pods -A", "wherry get pod/web -o yaml", "wherry get pods,configmaps -l app=shop", "wherry get pods -w"],
  options: [NAMESPACE, ALL_NAMESPACES, SELECTOR, output("json", "yaml", "wide", "name"), WATCH],
  words: [{ name: "KIND[,KIND…]", complete: "kinds" }, { name: "NAME", optional: true, repeat: true, complete: "objects" }],
  run: get,
};

/** What is looked for, from the command line. */
interface Query {
  readonly namespace: string | undefined;
  readonly matches: (item: Item) => boolean;
  /** Prints `pod/web` in place of `web`: several kinds are shown. */
  readonly prefixed: boolean;
}

interface Found {
  readonly asked: Asked;
  readonly kind: Kind;
  readonly items: readonly Item[];
}

async function get(context: Context, input: Input): Promise<Outcome> {
  const asked = parseAsked(input.words);
  const matches = parseSelector(input.text("selector") ?? "");
  const query: Query = {
    namespace: namespaceOf(input, { all: true }),
    matches: (item) => matches(item.labels),
    prefixed: asked.length > 1,
  };
  if (query.namespace === undefined && asked.some((each) => each.names.length > 0)) fail("usage", "Cannot get objects by name in all namespaces: use -n NAMESPACE");
  if (input.flag("watch")) return watch(context, asked, query);
  const found = await Promise.all(asked.map((each) => find(context, each, query)));
  const format = input.text("output");
  if (format === "json" || format === "yaml") return { kind: "value", value: objectOrList(found) };
  const listings = found.map((each) => listing(each, query));
  const none = listings.every((each) => each.rows.length === 0);
  return { kind: "listing", listings: none ? listings.slice(0, 1) : listings.filter((each) => each.rows.length > 0) };
}

/** Reads one kind. Fails with kind `notFound` when a name is not there. */
async function find(context: Context, asked: Asked, query: Query): Promise<Found> {
  const kind = await asked.row.load();
  const all = await kind.read(context, { namespace: query.namespace });
  const missing = asked.names.find((name) => !all.some((item) => item.name === name));
  if (missing !== undefined) await notFound(context, { asked, kind }, { name: missing, namespace: query.namespace ?? "default" });
  const items = all.filter((item) => (asked.names.length === 0 ? query.matches(item) : asked.names.includes(item.name)));
  return { asked, kind, items };
}

async function notFound(context: Context, { asked: { row }, kind }: Pick<Found, "asked" | "kind">, wanted: { readonly name: string; readonly namespace: string }): Promise<never> {
  if (row.singular === "pod") podNotFound(await context.engine.runtime(), wanted);
  const place = kind.clustered === true ? "" : ` in namespace "${wanted.namespace}"`;
  fail("notFound", `Cannot find ${row.singular} "${wanted.name}"${place}: it does not exist`);
}

/** One object that was named is itself; everything else is a v1 List. */
function objectOrList(found: readonly Found[]): unknown {
  const items = found.flatMap((each) => each.items);
  const [only] = items;
  const named = found.length === 1 && found[0]?.asked.names.length === 1;
  return named && only !== undefined && items.length === 1 ? only.object() : list(items);
}

const list = (items: readonly Item[]): unknown => ({ apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items: items.map((item) => item.object()) });

function listing({ asked, kind, items }: Found, query: Query): Listing {
  const everywhere = query.namespace === undefined && kind.clustered !== true;
  const nameAt = kind.columns.findIndex((column) => column.header === "NAME");
  const cells = (item: Item): readonly string[] => item.cells.map((cell, index) => (query.prefixed && index === nameAt ? `${asked.row.singular}/${cell}` : cell));
  return {
    columns: [...(everywhere ? [{ header: "NAMESPACE" }] : []), ...kind.columns],
    rows: items.map((item) => ({ name: `${asked.row.singular}/${item.name}`, cells: [...(everywhere ? [item.namespace] : []), ...cells(item)] })),
    value: () => (items.length === 1 ? items[0]?.object() : list(items)),
    empty: query.namespace === undefined || kind.clustered === true ? "No resources found" : `No resources found in ${query.namespace} namespace.`,
  };
}

function watch(context: Context, asked: readonly Asked[], query: Query): Outcome {
  const [only, ...more] = asked;
  if (only === undefined || more.length > 0) fail("usage", "Cannot watch several kinds: name one");
  return { kind: "watch", redraw: false, frames: changedItems(context, only, query) };
}

/** First all items, then those that look different. */
async function* changedItems(context: Context, asked: Asked, query: Query): AsyncGenerator<Listing> {
  let before = new Map<string, string>();
  let first = true;
  for await (const _ of changes(context)) {
    const found = await find(context, first ? asked : { ...asked, names: [] }, query);
    const items = found.items.filter((item) => asked.names.length === 0 || asked.names.includes(item.name));
    const now = new Map(items.map((item) => [identity(item), appearance(item)]));
    const changed = items.filter((item) => before.get(identity(item)) !== now.get(identity(item)));
    if (first || changed.length > 0) yield listing({ ...found, items: changed }, query);
    before = now;
    first = false;
  }
}

const identity = (item: Item): string => `${item.namespace}/${item.name}`;
/** Ages grow by themselves and are no change; the object holds everything else. */
const appearance = (item: Item): string => JSON.stringify(item.object());
