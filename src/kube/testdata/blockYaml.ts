/** YAML with one thing on every line, so that a test knows which line is which. */
import { FIELDS } from "../generated/fields.ts";
import { isMap, targetOf } from "./maximal.ts";

/** A key with its value, or an item of a list. */
export interface Piece {
  /** Of the value's lines, from 1 on; both are in it. */
  readonly first: number;
  readonly last: number;
  readonly indent: string;
  /** Absent: an item of a list. */
  readonly key?: string;
  readonly value: unknown;
  /** Of the mapping that the key is in; empty where keys are free. */
  readonly parent: string;
  /** As in `FIELDS`, of the key: `string`, `Container[]`, `scalar`. */
  readonly reference: string;
}

export interface Block {
  readonly lines: readonly string[];
  readonly pieces: readonly Piece[];
}

/** The objects as documents. */
export function blockYaml(objects: readonly Record<string, unknown>[]): Block {
  const block: { lines: string[]; pieces: Piece[] } = { lines: [], pieces: [] };
  for (const [index, object] of objects.entries()) {
    if (index > 0) block.lines.push("---");
    emitMap(block, object, { indent: "", type: String(object["kind"]) });
  }
  return block;
}

interface Place {
  readonly indent: string;
  readonly type: string;
}

type Growing = { readonly lines: string[]; readonly pieces: Piece[] };

function emitMap(block: Growing, map: Record<string, unknown>, { indent, type }: Place): void {
  const fields = FIELDS[type];
  for (const [key, value] of Object.entries(map)) {
    const reference = fields?.[key] ?? "";
    emit(block, { head: `${indent}${JSON.stringify(key)}:`, key, value, parent: fields === undefined ? "" : type, reference, indent });
  }
}

function emitList(block: Growing, list: readonly unknown[], { indent, type }: Place): void {
  for (const value of list) emit(block, { head: `${indent}-`, value, parent: "", reference: type, indent });
}

function emit(block: Growing, { head, value, reference, ...rest }: Omit<Piece, "first" | "last"> & { readonly head: string }): void {
  const first = block.lines.length + 1;
  const place = { indent: `${rest.indent}  `, type: targetOf(reference) };
  const full = (isMap(value) ? Object.keys(value) : Array.isArray(value) ? value : []).length > 0;
  block.lines.push(full ? head : `${head} ${JSON.stringify(value)}`);
  if (full && isMap(value)) emitMap(block, value, place);
  else if (full && Array.isArray(value)) emitList(block, value, place);
  block.pieces.push({ ...rest, value, reference, first, last: block.lines.length });
}
