/** Permission bits of files in volumes. */
import { complain, field, number, type Cursor } from "./cursor.ts";

/** Permission bits: `0644` in YAML, 420 in JSON. */
export function readMode(cursor: Cursor, name: string): number | undefined {
  const found = field(cursor, name);
  const mode = number(found);
  if (found === undefined || mode === undefined || (mode >= 0 && mode <= 0o777)) return mode;
  const written = found.node.kind === "scalar" ? (found.node.written ?? String(mode)) : "";
  const octal = /^[0-7]{3}$/.test(written) ? `did you mean 0${written}?` : undefined;
  complain(found, { code: "value", message: `is ${mode}, should be permission bits from 0 to 0777 (511)`, hint: octal });
  return undefined;
}
