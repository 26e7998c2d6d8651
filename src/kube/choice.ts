/** Fields of which exactly one is given, and references to other objects. */
import { complain, field, type Cursor, type Reference } from "./cursor.ts";
import { oneOf } from "./tree.ts";

/** Notes that the pod needs something. */
export function refer(at: Cursor, what: Omit<Reference, "at" | "namespace">): void {
  at.sheet.references.push({ ...what, namespace: at.sheet.namespace, at });
}

/** The one field of `names` that is given; undefined when there are none or several (and that is noted). */
export function onlyOne<Name extends string>(cursor: Cursor, names: readonly Name[]): { readonly name: Name; readonly cursor: Cursor } | undefined {
  const given = names.flatMap((name) => {
    const found = field(cursor, name);
    return found === undefined ? [] : [{ name, cursor: found }];
  });
  const [first, second] = given;
  if (first !== undefined && second === undefined) return first;
  if (cursor.node.kind !== "map") return undefined;
  if (second !== undefined) complain(second.cursor, { code: "value", message: `is given as well as ${first?.name}, should be one of them` });
  else if (cursor.sheet.refused.has(cursor.path)) return undefined;
  else complain(cursor, { code: "required", message: `has none of ${oneOf(names)}, should have one` });
  return undefined;
}
