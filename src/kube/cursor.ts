/**
 * A place in an object while it is read: the node, its path, and the sheet on which everything found there is noted.
 * The getters return undefined for what is absent, null or of the wrong type; the type has been checked (`schema.ts`).
 */
import type { ProblemCode } from "./kube.ts";
import type { Problems } from "./problems.ts";
import { describe, entryOf, isNull, type Node, type Position } from "./tree.ts";

export interface Cursor {
  readonly node: Node;
  readonly path: string;
  readonly sheet: Sheet;
}

/** Notes about one object. */
export interface Sheet {
  readonly file: string;
  /** `Pod default/web`; empty when it has no name. */
  readonly object: string;
  readonly namespace: string;
  /** It is a Secret: what its data holds is not shown in messages. */
  readonly secret: boolean;
  readonly problems: Problems;
  /** Paths that "did you mean" has named: that they are missing needs no second message. */
  readonly suggested: Set<string>;
  /** Paths of mappings from which a field was taken away as unknown or unsupported. */
  readonly refused: Set<string>;
  /** Fields that mean nothing on a single host, or less than they should on this one (`host`). */
  readonly idle: IdleField[];
  readonly references: Reference[];
  readonly hostPorts: HostPortUse[];
}

/** A field that is taken without effect. */
export interface IdleField {
  readonly path: string;
  readonly at: Position;
  readonly why: string;
  readonly host?: true;
}

/** An object that a pod cannot start without, and the keys it must have. */
export interface Reference {
  readonly kind: "ConfigMap" | "Secret" | "PersistentVolumeClaim";
  readonly namespace: string;
  readonly name: string;
  readonly keys: readonly { readonly key: string; readonly at: Cursor }[];
  /** The mapping that names it. */
  readonly at: Cursor;
}

/** A host port that a pod asks for. */
export interface HostPortUse {
  readonly ip: string;
  readonly port: number;
  readonly protocol: string;
  readonly at: Cursor;
}

export interface Trouble {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Notes a problem at the cursor, or at `position` (a key, say). */
export function complain(cursor: Cursor, trouble: Trouble, position: Position = cursor.node.at): void {
  const { sheet, path } = cursor;
  sheet.problems.add({
    file: sheet.file,
    line: position.line,
    column: position.column,
    path,
    ...(sheet.object === "" ? {} : { object: sheet.object }),
    message: trouble.message,
    ...(trouble.hint === undefined ? {} : { hint: trouble.hint }),
    code: trouble.code,
  });
}

/** Notes that a field is missing, at the mapping that should hold it. What is no mapping has been noted as such. */
export function complainMissing(cursor: Cursor, name: string, should = "should be given"): void {
  const path = join(cursor.path, name);
  if (cursor.node.kind === "map" && !cursor.sheet.suggested.has(path)) complain({ ...cursor, path }, { code: "required", message: `is missing, ${should}` });
}

/** `spec.containers`, `labels["app.kubernetes.io/name"]`. */
export function join(path: string, key: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The cursor of a field, or undefined when the field is absent or null. */
export function field(cursor: Cursor | undefined, name: string): Cursor | undefined {
  const value = cursor === undefined ? undefined : entryOf(cursor.node, name)?.value;
  if (cursor === undefined || value === undefined || isNull(value)) return undefined;
  return { node: value, path: join(cursor.path, name), sheet: cursor.sheet };
}

/** Cursors of the items of a list; none for what is no list. */
export function items(cursor: Cursor | undefined): readonly Cursor[] {
  if (cursor?.node.kind !== "list") return [];
  return cursor.node.items.map((node, index) => ({ node, path: `${cursor.path}[${index}]`, sheet: cursor.sheet }));
}

/** Keys, places of the keys and cursors of the values of a mapping; none for what is no mapping. */
export function entries(cursor: Cursor | undefined): readonly { readonly key: string; readonly keyAt: Position; readonly value: Cursor }[] {
  if (cursor?.node.kind !== "map") return [];
  return cursor.node.entries.map(({ key, at, value }) => ({ key, keyAt: at, value: { node: value, path: join(cursor.path, key), sheet: cursor.sheet } }));
}

/** The text at the cursor. Zero characters, which no argument, path or variable can hold, are refused. */
export function text(cursor: Cursor | undefined): string | undefined {
  const value = cursor?.node.kind === "scalar" ? cursor.node.value : undefined;
  if (cursor === undefined || typeof value !== "string") return undefined;
  if (value.includes("\0")) complain(cursor, { code: "value", message: "holds a zero character, should be text without" });
  return value;
}

/** The number at the cursor. */
export function number(cursor: Cursor | undefined): number | undefined {
  const value = cursor?.node.kind === "scalar" ? cursor.node.value : undefined;
  return typeof value === "number" ? value : undefined;
}

/** The truth value at the cursor. */
export function flag(cursor: Cursor | undefined): boolean | undefined {
  const value = cursor?.node.kind === "scalar" ? cursor.node.value : undefined;
  return typeof value === "boolean" ? value : undefined;
}

/** What is at the cursor, in words; the data of a Secret only by its type. */
export function what(cursor: Cursor): string {
  return describe(cursor.node, { hidden: cursor.sheet.secret && /(^|\.)(data|stringData)[.[]/.test(cursor.path) });
}
