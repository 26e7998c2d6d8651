/** Unknown and unsupported fields. What is left afterwards is what the schema and the readers look at. */
import { complain, join, type Cursor } from "./cursor.ts";
import { FIELDS } from "./generated/fields.ts";
import { isSupported, saysNothing, SUPPORTED, unsupportedHint } from "./support.ts";
import { elsewhere, nearest, type Step } from "./suggest.ts";
import type { Entry, Node } from "./tree.ts";

/**
 * Notes every field below the cursor that `type` does not have (`unknown-field`) or wherry does not run
 * (`unsupported-field`), and returns the node without them. A misspelt field whose meaning is clear is kept under its
 * right name, so that it does not count as missing too and its content is checked in the same go.
 */
export function checkFields(cursor: Cursor, type: string): Node {
  return clean(cursor, type, []);
}

function clean(cursor: Cursor, reference: string, trail: readonly Step[]): Node {
  const { node, path, sheet } = cursor;
  if (reference.endsWith("[]")) {
    if (node.kind !== "list") return node;
    return { ...node, items: node.items.map((item, index) => clean({ node: item, path: `${path}[${index}]`, sheet }, reference.slice(0, -2), trail)) };
  }
  if (node.kind !== "map" || !Object.hasOwn(SUPPORTED, reference)) return node;
  const here = [...trail, { path, type: reference }];
  const entries = node.entries.flatMap((entry) => keep(cursor, entry, here));
  if (entries.length < node.entries.length) sheet.refused.add(path);
  return { ...node, entries };
}

/** The entry as it goes on: cleaned, under its right name, or not at all. */
function keep(cursor: Cursor, entry: Entry, trail: readonly Step[]): readonly Entry[] {
  const type = trail.at(-1)?.type ?? "";
  const fields = FIELDS[type] ?? {};
  const key = Object.hasOwn(fields, entry.key) ? entry.key : correct(cursor, entry, trail);
  if (key === undefined) return [];
  const path = join(cursor.path, entry.key);
  if (!isSupported(type, key)) {
    if (key === entry.key && !saysNothing(type, key, entry.value)) {
      const message = `field of ${type} that wherry does not support yet`;
      complain({ ...cursor, path }, { code: "unsupported-field", message, hint: unsupportedHint(type, key) }, entry.at);
    }
    return [];
  }
  return [{ ...entry, key, value: clean({ node: entry.value, path, sheet: cursor.sheet }, fields[key] ?? "", trail) }];
}

/** Notes an unknown field; returns the field of the same mapping that was meant, when it is not given as well. */
function correct(cursor: Cursor, entry: Entry, trail: readonly Step[]): string | undefined {
  const type = trail.at(-1)?.type ?? "";
  const near = nearest(entry.key, Object.keys(FIELDS[type] ?? {}));
  const place = near === undefined ? elsewhere(entry.key, trail) : undefined;
  const meant = near ?? place;
  const path = join(cursor.path, entry.key);
  complain({ ...cursor, path }, { code: "unknown-field", message: `unknown field of ${type}`, hint: meant === undefined ? undefined : `did you mean "${meant}"?` }, entry.at);
  if (place !== undefined) cursor.sheet.suggested.add(place);
  const given = cursor.node.kind === "map" && cursor.node.entries.some(({ key }) => key === near);
  return given ? undefined : near;
}
