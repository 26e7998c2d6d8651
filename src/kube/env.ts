/** `env` and `envFrom` of a container. */
import type { EnvFromSource, EnvVar, KeyRef } from "../spec/spec.ts";
import { complain, field, flag, text, type Cursor, type Reference } from "./cursor.ts";
import { present } from "./present.ts";
import { optionalText, requiredText, RULES } from "./rules.ts";
import { oneOf } from "./tree.ts";

/** One variable; undefined when it is wrong (and noted). */
export function readEnvVar(cursor: Cursor): EnvVar | undefined {
  const name = requiredText(cursor, "name", RULES.envName);
  const value = text(field(cursor, "value"));
  const from = field(cursor, "valueFrom");
  if (from === undefined) return name === undefined ? undefined : { name, value: value ?? "" };
  if (value !== undefined && value !== "") complain(from, { code: "value", message: "is given as well as value, should be one of them" });
  const source = onlyOne(from, ["configMapKeyRef", "secretKeyRef"]);
  if (name === undefined || source === undefined) return undefined;
  if (source.name === "configMapKeyRef") {
    const configMapKeyRef = readKeyRef(source.cursor, "ConfigMap");
    return configMapKeyRef === undefined ? undefined : { name, valueFrom: { configMapKeyRef } };
  }
  const secretKeyRef = readKeyRef(source.cursor, "Secret");
  return secretKeyRef === undefined ? undefined : { name, valueFrom: { secretKeyRef } };
}

function readKeyRef(cursor: Cursor, kind: Reference["kind"]): KeyRef | undefined {
  const name = requiredText(cursor, "name", RULES.subdomain);
  const key = requiredText(cursor, "key", RULES.configKey);
  const optional = flag(field(cursor, "optional"));
  if (name === undefined || key === undefined) return undefined;
  if (optional !== true) refer(cursor, { kind, name, keys: [{ key, at: cursor }] });
  return { name, key, ...present("optional", optional) };
}

/** One source of variables; undefined when it is wrong (and noted). */
export function readEnvFrom(cursor: Cursor): EnvFromSource | undefined {
  const prefix = optionalText(cursor, "prefix", RULES.envName);
  const source = onlyOne(cursor, ["configMapRef", "secretRef"]);
  if (source === undefined) return undefined;
  const name = requiredText(source.cursor, "name", RULES.subdomain);
  if (name === undefined) return undefined;
  const optional = flag(field(source.cursor, "optional"));
  if (optional !== true) refer(source.cursor, { kind: source.name === "configMapRef" ? "ConfigMap" : "Secret", name, keys: [] });
  return { ...present("prefix", prefix), [source.name]: { name, ...present("optional", optional) } };
}

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
