/** From documents to objects: kinds, API versions, and the items of a List. */
import { complain, complainMissing, entries, field, items, text, what, type Cursor, type Sheet } from "./cursor.ts";
import { checkFields } from "./fields.ts";
import { didYouMean } from "./suggest.ts";
import { entryOf, oneOf, quoted, type Node } from "./tree.ts";

export const KINDS = ["Pod", "ConfigMap", "Secret", "PersistentVolumeClaim", "PersistentVolume", "Namespace"] as const;
export type Kind = (typeof KINDS)[number];
/** Kinds that belong to no namespace. */
const CLUSTERED: ReadonlySet<Kind> = new Set(["PersistentVolume", "Namespace"]);

export interface Item {
  readonly kind: Kind;
  readonly cursor: Cursor;
}

/** What a document holds: an object, one of a kind that wherry certainly does not know, or something unclear (noted, both). */
export type Member = Item | "foreign" | "unclear";

/**
 * The members of a document: one, or those of a List. `only` says which kinds are allowed. An object without apiVersion
 * is read as `v1`: no kind that wherry supports has another, and files written for Podman leave it out.
 */
export function objectsOf(document: Cursor, only: readonly Kind[] = KINDS): readonly Member[] {
  const root = { ...document, node: withVersion(document.node) };
  const kind = identify(root, [...only, "List"]);
  if (kind === "foreign" || kind === "unclear") return [kind];
  if (kind !== "List") return [{ kind, cursor: { ...root, sheet: sheetFor(kind, root) } }];
  const list = { ...root, node: checkFields(root, "List") };
  const members = field(list, "items");
  if (members?.node.kind === "list") return items(members).flatMap((member) => objectsOf(member, only));
  if (members === undefined) complainMissing(list, "items", "should be a list of objects");
  else complain(members, { code: "type", message: `is ${what(members)}, should be a list of objects` });
  return ["unclear"];
}

function withVersion(node: Node): Node {
  if (node.kind !== "map" || entryOf(node, "apiVersion") !== undefined) return node;
  const { at } = node;
  return { ...node, entries: [{ key: "apiVersion", at, value: { kind: "scalar", at, value: "v1" } }, ...node.entries] };
}

/** The kind of an object, when wherry knows it in this version. */
function identify<K extends string>(cursor: Cursor, known: readonly K[]): K | "foreign" | "unclear" {
  if (cursor.node.kind !== "map") {
    complain(cursor, { code: "type", message: `is ${what(cursor)}, should be a mapping with apiVersion and kind` });
    return "unclear";
  }
  const version = identity(cursor, "apiVersion");
  const word = identity(cursor, "kind");
  if (version === undefined || word === undefined) return "unclear";
  const kind = known.find((candidate) => candidate === word.text);
  if (kind === undefined) return complainKind(word, version.text, known);
  if (version.text === "v1") return kind;
  complain(version.cursor, { code: "unsupported-kind", message: `is ${quoted(version.text)}, should be "v1" for kind ${kind}` });
  return "unclear";
}

interface Word {
  readonly text: string;
  readonly cursor: Cursor;
}

function identity(cursor: Cursor, name: string): Word | undefined {
  const found = field(cursor, name);
  const word = text(found);
  if (found !== undefined && word !== undefined && word !== "") return { text: word, cursor: found };
  if (found === undefined || word === "") complainMissing(cursor, name, hintOfMisspelling(cursor, name));
  else complain(found, { code: "type", message: `is ${what(found)}, should be text` });
  return undefined;
}

function hintOfMisspelling(cursor: Cursor, name: string): string {
  const near = entries(cursor).find(({ key }) => key !== name && didYouMean(key, [name]) !== undefined);
  return near === undefined ? "should be given" : `should be given where ${quoted(near.key)} is`;
}

function complainKind(word: Word, version: string, known: readonly string[]): "foreign" | "unclear" {
  const reason = KINDS.some((kind) => kind === word.text) ? "" : ", which wherry does not support yet";
  const hint = /^[A-Z]\w+List$/.test(word.text) ? "use kind List" : didYouMean(word.text, known);
  complain(word.cursor, { code: "unsupported-kind", message: `is ${quoted(word.text)} (${version})${reason}, should be ${oneOf(known)}`, hint });
  return hint === undefined ? "foreign" : "unclear";
}

/** A sheet of its own for an object, with its name on it. */
function sheetFor(kind: Kind, cursor: Cursor): Sheet {
  const metadata = field(cursor, "metadata");
  const namespace = text(field(metadata, "namespace")) || cursor.sheet.namespace;
  const name = text(field(metadata, "name")) ?? "";
  const object = name === "" ? "" : CLUSTERED.has(kind) ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
  return { ...cursor.sheet, object, namespace, secret: kind === "Secret", suggested: new Set(), refused: new Set(), idle: [], references: [], hostPorts: [] };
}
