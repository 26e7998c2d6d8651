/** Tables as values: how each field of a record is written to and read from its column. */
import { fail } from "../base/errors.ts";
import { type Parse, object, within } from "./shapes.ts";

export type SqlValue = string | number | null;

export interface Column<T> {
  readonly name: string;
  readonly write: (value: T) => SqlValue;
  readonly read: Parse<T>;
  /** NULL in the table is an absent field. */
  readonly optional?: true;
}
export type Columns<T> = { readonly [K in keyof T]-?: Column<NonNullable<T[K]>> };

/** A table that holds records `T`. */
export interface Table<T> {
  readonly name: string;
  /** `SELECT columns FROM name` */
  readonly select: string;
  /** `INSERT INTO name (columns) VALUES (?…)` */
  readonly insert: string;
  readonly read: (row: unknown) => T;
  /** Values in the order of `insert`. */
  readonly values: (record: T) => SqlValue[];
  /** The assignments of a partial change, `a = ?, b = ?`, and their values. */
  readonly assignments: (change: Partial<T>) => { readonly set: string; readonly values: SqlValue[] };
}

/** A TEXT or INTEGER column that holds the value itself. */
export const plain = <T extends string | number>(name: string, read: Parse<T>): Column<T> => ({ name, read, write: (value) => value });

/** A TEXT column that holds the value as JSON. */
export const json = <T>(name: string, read: Parse<T>): Column<T> => ({
  name,
  write: (value) => JSON.stringify(value),
  read: (value) => read(parseJson(value)),
});

export const optional = <T>(column: Column<T>): Column<T> => ({ ...column, optional: true });

export function table<T extends object>(name: string, columns: Columns<T>): Table<T> {
  // Erased: a field meets only its own column below.
  const entries = Object.entries(columns) as [keyof T & string, Column<unknown>][];
  const names = entries.map(([, column]) => column.name).join(", ");
  const write = (record: Partial<T>, [field, column]: (typeof entries)[number]): SqlValue =>
    record[field] === undefined ? null : column.write(record[field]);
  return {
    name,
    select: `SELECT ${names} FROM ${name}`,
    insert: `INSERT INTO ${name} (${names}) VALUES (${entries.map(() => "?").join(", ")})`,
    values: (record) => entries.map((entry) => write(record, entry)),
    assignments: (change) => {
      const changed = entries.filter(([field]) => field in change);
      return { set: changed.map(([, column]) => `${column.name} = ?`).join(", "), values: changed.map((entry) => write(change, entry)) };
    },
    read: (row) => within(name, () => readRow(entries, object(row))) as T, // parse function: each field by its column
  };
}

/** `WHERE … AND …` of the comparisons (`name = ?`) that have a value; empty when none has. */
export function matching(comparisons: Readonly<Record<string, SqlValue | undefined>>): { readonly where: string; readonly values: readonly SqlValue[] } {
  const given = Object.entries(comparisons).flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  const where = given.length === 0 ? "" : `WHERE ${given.map(({ sql }) => sql).join(" AND ")}`;
  return { where, values: given.map(({ value }) => value) };
}

function readRow(entries: readonly [string, Column<unknown>][], row: Readonly<Record<string, unknown>>): object {
  const result: Record<string, unknown> = {};
  for (const [field, column] of entries) {
    const value = row[column.name];
    if (value === null && column.optional === true) continue;
    result[field] = within(column.name, () => column.read(value));
  }
  return result;
}

function parseJson(value: unknown): unknown {
  try {
    return JSON.parse(String(value));
  } catch (cause) {
    return fail("invalid", "it is not JSON", { cause });
  }
}
