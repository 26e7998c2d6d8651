/** A YAML document as wherry reads it: three sorts of nodes, each with its place, aliases and merges resolved. */

/** Line and column, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: "map";
  readonly at: Position;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  /** Place of the key. */
  readonly at: Position;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: "list";
  readonly at: Position;
  readonly items: readonly Node[];
}

export interface ScalarNode {
  readonly kind: "scalar";
  readonly at: Position;
  readonly value: Scalar;
  /** How it is written, when that is not how the value is written usually: `yes`, `0644`, `1.0`. */
  readonly written?: string;
}

export type Scalar = string | number | boolean | null;

/** The entry of a mapping, or undefined when there is none or the node is no mapping. */
export function entryOf(node: Node, key: string): Entry | undefined {
  return node.kind === "map" ? node.entries.find((entry) => entry.key === key) : undefined;
}

/** The value of an entry that is text. */
export function textOf(node: Node, key: string): string | undefined {
  const value = entryOf(node, key)?.value;
  return value?.kind === "scalar" && typeof value.value === "string" ? value.value : undefined;
}

/** True for `null`, `~` and nothing at all: Kubernetes reads them as an absent field. */
export function isNull(node: Node): boolean {
  return node.kind === "scalar" && node.value === null;
}

/** The plain value, as JSON would hold it. Every key is an own property, `__proto__` too. */
export function valueOf(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(valueOf);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, valueOf(value)]));
}

/** The node in words, for "is …": `the number 80`, `"Alwys"`, `a list`. With `hidden` the words hold no value. */
export function describe(node: Node, options: { readonly hidden?: boolean } = {}): string {
  if (node.kind === "map") return "a mapping";
  if (node.kind === "list") return "a list";
  const { value } = node;
  if (value === null) return "empty";
  if (options.hidden === true) return typeof value === "string" ? "text" : `a ${typeof value}`;
  if (typeof value === "string") return quoted(value);
  return node.written === undefined ? `the ${typeof value} ${value}` : `the ${typeof value} ${value} (written ${node.written})`;
}

/** Text as it can stand in one line of a message: in quotes, escaped, at most 60 characters of it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** `"A"`, `"A" or "B"`, `"A", "B" or "C"`. */
export function oneOf(values: readonly string[]): string {
  const words = values.map(quoted);
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
