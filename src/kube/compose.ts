/**
 * From the syntax tree of the `yaml` library to nodes: plain scalars read as kubectl reads them (`scalars.ts`), aliases
 * and `<<` merges resolved, duplicate keys refused. Each anchored node is one shared node, however often it is used; what
 * its uses add up to is limited, since every later step walks them all.
 */
import { isAlias, isMap, isScalar, isSeq, type Alias, type ParsedNode, type Scalar as YamlScalar, type YAMLMap, type YAMLSeq } from "yaml";
import { resolvePlain } from "./scalars.ts";
import { describe, quoted, type Entry, type Node, type Position, type Scalar } from "./tree.ts";

/** Levels of nesting; Kubernetes itself needs about 15. */
const DEPTH_MAX = 100;
/** Nodes that aliases may add to a document. */
const ALIASED_MAX = 100_000;
const TOO_DEEP = `is nested deeper than ${DEPTH_MAX} levels`;

export interface Complaint {
  readonly at: Position;
  readonly code: "syntax" | "duplicate";
  readonly message: string;
  readonly hint?: string;
}

export interface ComposeOptions {
  /** The place of an offset in the text. */
  readonly place: (offset: number) => Position;
  readonly complain: (complaint: Complaint) => void;
}

interface State extends ComposeOptions {
  /** Anchored nodes that are complete; `undefined` while they are being read. */
  readonly anchors: Map<string, Sized | undefined>;
  aliased: number;
}

/** A node, the number of nodes in it, and of levels below it. */
interface Sized {
  readonly node: Node;
  readonly size: number;
  readonly height: number;
}

/** The node of a parsed document. What is wrong goes to `complain`; there is no use for the node then. */
export function compose(root: ParsedNode, options: ComposeOptions): Node {
  return read(root, 0, { ...options, anchors: new Map(), aliased: 0 }).node;
}

function read(yaml: unknown, depth: number, state: State): Sized {
  if (isAlias(yaml)) return readAlias(yaml, depth, state);
  if (!isMap(yaml) && !isSeq(yaml) && !isScalar(yaml)) return leaf({ kind: "scalar", at: { line: 1, column: 1 }, value: null });
  const at = state.place(yaml.range?.[0] ?? 0);
  if (depth > DEPTH_MAX) return refuse(at, TOO_DEEP, state);
  if (yaml.anchor !== undefined) state.anchors.set(yaml.anchor, undefined);
  const sized = isMap(yaml) ? readMap(yaml, depth, state) : isSeq(yaml) ? readList(yaml, depth, state) : leaf(readScalar(yaml, state));
  if (yaml.anchor !== undefined) state.anchors.set(yaml.anchor, sized);
  return sized;
}

const leaf = (node: Node): Sized => ({ node, size: 1, height: 0 });
const inner = (node: Node, children: readonly Sized[]): Sized => ({
  node,
  size: children.reduce((sum, { size }) => sum + size, 1),
  height: children.reduce((most, { height }) => Math.max(most, height + 1), 0),
});

function refuse(at: Position, message: string, state: State): Sized {
  state.complain({ at, code: "syntax", message });
  return leaf({ kind: "scalar", at, value: null });
}

function readAlias(alias: Alias, depth: number, state: State): Sized {
  const at = state.place(alias.range?.[0] ?? 0);
  const target = state.anchors.get(alias.source);
  if (target === undefined) return refuse(at, `alias ${quoted(`*${alias.source}`)} ${state.anchors.has(alias.source) ? "contains itself" : "has no anchor before it"}`, state);
  if (depth + target.height > DEPTH_MAX) return refuse(at, TOO_DEEP, state);
  if (state.aliased > ALIASED_MAX) return leaf(target.node);
  state.aliased += target.size;
  return state.aliased > ALIASED_MAX ? refuse(at, `is an alias too many: aliases may add at most ${ALIASED_MAX} values to a document`, state) : target;
}

function readScalar(yaml: YamlScalar, state: State): Node {
  const at = state.place(yaml.range?.[0] ?? 0);
  const value = scalarValue(yaml);
  if (value === undefined) state.complain({ at, code: "syntax", message: `has the tag ${quoted(yaml.tag ?? "")}, which does not fit here` });
  if (typeof value === "number" && !Number.isFinite(value)) state.complain({ at, code: "syntax", message: `is ${String(yaml.value)}, should be a number that JSON can hold` });
  if (typeof value === "string" && !value.isWellFormed()) state.complain({ at, code: "syntax", message: "holds half of a surrogate pair, should be Unicode text" });
  const written = typeof value === "number" || typeof value === "boolean" ? String(yaml.value) : undefined;
  return { kind: "scalar", at, value: value ?? null, ...(written === undefined || written === String(value) ? {} : { written }) };
}

/** The value of a scalar, or undefined when it does not fit its explicit tag. */
function scalarValue(yaml: YamlScalar): Scalar | undefined {
  const text = typeof yaml.value === "string" ? yaml.value : yaml.value === null ? "" : undefined;
  if (text === undefined) return undefined;
  const plain = yaml.type === undefined || yaml.type === "PLAIN";
  const value = resolvePlain(text);
  switch (yaml.tag) {
    case undefined:
      return plain ? value : text;
    case "!":
    case "tag:yaml.org,2002:str":
      return text;
    case "tag:yaml.org,2002:int":
      return typeof value === "number" && Number.isInteger(value) ? value : undefined;
    case "tag:yaml.org,2002:float":
      return typeof value === "number" ? value : undefined;
    case "tag:yaml.org,2002:bool":
      return typeof value === "boolean" ? value : undefined;
    case "tag:yaml.org,2002:null":
      return value === null ? null : undefined;
    default:
      return undefined;
  }
}

function readList(yaml: YAMLSeq, depth: number, state: State): Sized {
  const at = state.place(yaml.range?.[0] ?? 0);
  checkTag(yaml, "seq", state);
  const items = yaml.items.map((item) => read(item, depth + 1, state));
  return inner({ kind: "list", at, items: items.map(({ node }) => node) }, items);
}

function checkTag(yaml: YAMLMap | YAMLSeq, expected: "map" | "seq", state: State): void {
  if (yaml.tag === undefined || yaml.tag === `tag:yaml.org,2002:${expected}`) return;
  state.complain({ at: state.place(yaml.range?.[0] ?? 0), code: "syntax", message: `has the tag ${quoted(yaml.tag)}, which does not fit here` });
}

function readMap(yaml: YAMLMap, depth: number, state: State): Sized {
  const at = state.place(yaml.range?.[0] ?? 0);
  checkTag(yaml, "map", state);
  const own = new Map<string, Entry>();
  const merged: Entry[] = [];
  const sizes: Sized[] = [];
  for (const pair of yaml.items) {
    const value = pair.value === null ? undefined : read(pair.value, depth + 1, state);
    if (value !== undefined) sizes.push(value);
    if (isScalar(pair.key) && pair.key.type === "PLAIN" && pair.key.value === "<<") {
      merged.push(...mergedEntries(value?.node, { state, at }));
      continue;
    }
    const key = readKey(pair.key, depth, state);
    if (key !== undefined) addEntry(own, { ...key, value: value?.node ?? { kind: "scalar", at: key.at, value: null } }, state);
  }
  for (const entry of merged) if (!own.has(entry.key)) own.set(entry.key, entry);
  return inner({ kind: "map", at, entries: [...own.values()] }, sizes);
}

function addEntry(own: Map<string, Entry>, entry: Entry, state: State): void {
  const first = own.get(entry.key);
  if (first === undefined) own.set(entry.key, entry);
  else state.complain({ at: entry.at, code: "duplicate", message: `key ${quoted(entry.key)} is given twice in one mapping, first on line ${first.at.line}` });
}

/** The entries that `<<` takes over from a mapping or a list of mappings; the first mapping that has a key wins. */
function mergedEntries(node: Node | undefined, context: { readonly state: State; readonly at: Position }): readonly Entry[] {
  if (node?.kind === "map") return node.entries;
  if (node?.kind === "list" && node.items.every((item) => item.kind === "map")) return node.items.flatMap((item) => item.entries);
  context.state.complain({ at: node?.at ?? context.at, code: "syntax", message: `"<<" is ${node === undefined ? "empty" : describe(node)}, should be a mapping or a list of mappings` });
  return [];
}

/**
 * The text of a key. kubectl turns keys that are numbers or booleans into text, `yes` into "true" and `0644` into
 * "420"; wherry takes them only when they stay as they are written.
 */
function readKey(yaml: unknown, depth: number, state: State): { readonly key: string; readonly at: Position } | undefined {
  const { node } = read(yaml, depth + 1, state);
  const source = isScalar(yaml) ? yaml.value : undefined;
  if (node.kind === "scalar" && node.value !== null && (typeof node.value === "string" || String(node.value) === source)) return { key: String(node.value), at: node.at };
  state.complain({ at: node.at, code: "syntax", message: `key is ${describe(node)}, should be text`, hint: "put it in quotes" });
  return undefined;
}
