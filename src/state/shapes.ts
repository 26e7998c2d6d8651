/** Checks of what comes out of the database: each takes `unknown` and returns the domain type or fails with kind `invalid`. */
import { fail } from "../base/errors.ts";

export type Parse<T> = (value: unknown) => T;
type Fields<T> = { readonly [K in keyof T]-?: Parse<T[K]> };

export function string(value: unknown): string {
  return typeof value === "string" ? value : wrong(value, "text");
}

export function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? Number(value) : wrong(value, "an integer");
}

export function boolean(value: unknown): boolean {
  return typeof value === "boolean" ? value : wrong(value, "true or false");
}

export const oneOf = <const T extends string>(words: readonly T[]): Parse<T> => (value) =>
  words.find((word) => word === value) ?? wrong(value, `one of ${words.join(", ")}`);

/** From text to a branded name, by its parse function in `spec/`. */
export const brand = <T extends string>(parse: (text: string) => T): Parse<T> => (value) => parse(string(value));

export const listOf = <T>(parse: Parse<T>): Parse<readonly T[]> => (value) =>
  Array.isArray(value) ? value.map(parse) : wrong(value, "a list");

export const mapOf = <T>(parse: Parse<T>): Parse<Readonly<Record<string, T>>> => (value) =>
  Object.fromEntries(Object.entries(object(value)).map(([key, entry]) => [key, parse(entry)]));

/** An object with exactly the fields of `T`; those in `optional` may be absent. */
export const shape = <T extends object>(fields: Fields<T>, optional: readonly (keyof T & string)[] = []): Parse<T> => (value) => {
  const source = object(value);
  const result: Record<string, unknown> = {};
  for (const [field, parse] of Object.entries<Parse<unknown>>(fields)) {
    if (source[field] === undefined && optional.some((name) => name === field)) continue;
    result[field] = within(field, () => parse(source[field]));
  }
  return result as T; // parse function: every field of T has just been checked by its own
};

export function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong(value, "an object");
  return value as Record<string, unknown>; // parse function: a non-null object that is no array has string keys
}

/** Runs `parse`; a failure names `field` too. */
export function within<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    return fail("invalid", `"${field}": ${cause.message}`, { cause });
  }
}

function wrong(value: unknown, should: string): never {
  return fail("invalid", `it is ${JSON.stringify(value)?.slice(0, 80)}, it should be ${should}`);
}
