/** Unknown and refused fields, and those without effect here. What is left is what the schema and the readers look at. */
import { complain, join, type Cursor } from "./cursor.ts";
import { FIELDS } from "./generated/fields.ts";
import { fateOf, isType, saysNothing } from "./support.ts";
import { elsewhere, nearest, type Step } from "./suggest.ts";
import type { Entry, Node } from "./tree.ts";

/**
 * Notes every field below the cursor that `type` does not have (`unknown-field`) or wherry does not run
 * (`unsupported-field`), and returns the node without them. A misspelt field whose meaning is clear is kept under its
 * right name, so that it does not count as missing too and its content is checked in the same go. Fields that mean
 * nothing on a single host are noted as such and kept: they have to be right all the same.
 */
export function checkFields(cursor: Cursor, type: string): Node {
  return clean(cursor, type, { trail: [], idle: false });
}

interface Way {
  readonly trail: readonly Step[];
  /** Below a field without effect. */
  readonly idle: boolean;
}

function clean(cursor: Cursor, reference: string, way: Way): Node {
  const { node, path, sheet } = cursor;
  if (reference.endsWith("[]")) {
    if (node.kind !== "list") return node;
    return { ...node, items: node.items.map((item, index) => clean({ node: item, path: `${path}[${index}]`, sheet }, reference.slice(0, -2), way)) };
  }
  if (node.kind !== "map" || !isType(reference)) return node;
  const here = { ...way, trail: [...way.trail, { path, type: reference }] };
  const entries = node.entries.flatMap((entry) => keep(cursor, entry, here));
  if (entries.length < node.entries.length) sheet.refused.add(path);
  return { ...node, entries };
}

/** The entry as it goes on: cleaned, under its right name, or not at all. */
function keep(cursor: Cursor, entry: Entry, way: Way): readonly Entry[] {
  const type = way.trail.at(-1)?.type ?? "";
  const fields = FIELDS[type] ?? {};
  const key = Object.hasOwn(fields, entry.key) ? entry.key : correct(cursor, entry, way.trail);
  if (key === undefined) return [];
  const at = { node: entry.value, path: join(cursor.path, entry.key), sheet: cursor.sheet };
  const fate = fateOf(type, key, way);
  if (fate.is === "refused") {
    const message = fate.why === undefined ? `field of ${type} that wherry does not support yet` : `field of ${type} that is refused`;
    if (key === entry.key && !saysNothing(type, key, entry.value)) complain(at, { code: "unsupported-field", message, hint: fate.why }, entry.at);
    return [];
  }
  if (fate.is === "idle") cursor.sheet.idle.push({ path: at.path, at: entry.at, why: fate.why });
  return [{ ...entry, key, value: clean(at, fields[key] ?? "", { ...way, idle: way.idle || fate.is === "idle" }) }];
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
