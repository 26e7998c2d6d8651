/** Whole numbers of fields, and their ranges. */
import { complain, field, number, type Cursor } from "./cursor.ts";

export interface Range {
  readonly least: number;
  readonly most?: number;
  /** `seconds`, for the message */
  readonly unit?: string;
}

/** The number of a field, or undefined when it is absent or out of its range (and that is noted). */
export function wholeNumber(cursor: Cursor | undefined, name: string, { least, most = Number.MAX_SAFE_INTEGER, unit = "" }: Range): number | undefined {
  const found = field(cursor, name);
  const value = number(found);
  if (found === undefined || value === undefined || !Number.isInteger(value)) return undefined; // the schema has said so
  if (value >= least && value <= most) return value;
  const upper = most === Number.MAX_SAFE_INTEGER ? "or more" : `to ${most}`;
  complain(found, { code: "value", message: `is ${value}, should be ${least} ${upper}${unit === "" ? "" : ` ${unit}`}` });
  return undefined;
}

/** Ids of users and groups (`ValidateSecurityContext`): 31 bits. */
export const ID: Range = { least: 0, most: 2 ** 31 - 1 };
const INT32 = 2 ** 31 - 1;
export const SECONDS: Range = { least: 0, most: INT32, unit: "seconds" };
export const SOME_SECONDS: Range = { least: 1, most: INT32, unit: "seconds" };
export const COUNT: Range = { least: 1, most: INT32 };
export const PORT: Range = { least: 1, most: 65535 };
