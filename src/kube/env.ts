/** `env` and `envFrom` of a container. */
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeyRef, KeyRef } from "../spec/spec.ts";
import { onlyOne, refer } from "./choice.ts";
import { complain, field, flag, text, type Cursor, type Reference } from "./cursor.ts";
import { present } from "./present.ts";
import { readFieldRef, readResourceRef } from "./downward.ts";
import { optionalText, requiredText, RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { quoted } from "./tree.ts";
import type { VolumeUse } from "./volumes.ts";

/** One variable; undefined when it is wrong (and noted). */
export function readEnvVar(cursor: Cursor, options: EnvOptions): EnvVar | undefined {
  const name = requiredText(cursor, "name", RULES.envName);
  const value = text(field(cursor, "value"));
  const from = field(cursor, "valueFrom");
  if (from === undefined) return name === undefined ? undefined : { name, value: value ?? "" };
  if (value !== undefined && value !== "") complain(from, { code: "value", message: "is given as well as value, should be one of them" });
  const source = onlyOne(from, ["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"]);
  const valueFrom = source === undefined ? undefined : readSource(source, options);
  return name === undefined || valueFrom === undefined ? undefined : { name, valueFrom };
}

export interface EnvOptions {
  /** The pod's volumes. */
  readonly volumes: readonly VolumeUse[];
}

function readSource({ name, cursor }: { readonly name: string; readonly cursor: Cursor }, options: EnvOptions): EnvVarSource | undefined {
  switch (name) {
    case "configMapKeyRef":
      return given(readKeyRef(cursor, "ConfigMap"), (configMapKeyRef) => ({ configMapKeyRef }));
    case "secretKeyRef":
      return given(readKeyRef(cursor, "Secret"), (secretKeyRef) => ({ secretKeyRef }));
    case "fieldRef":
      return given(readFieldRef(cursor, "variable"), (fieldRef) => ({ fieldRef }));
    case "resourceFieldRef":
      return given(readResourceRef(cursor, "variable"), (resourceFieldRef) => ({ resourceFieldRef }));
    default:
      return given(readFileRef(cursor, options), (fileKeyRef) => ({ fileKeyRef }));
  }
}

const given = <T, U>(value: T | undefined, wrap: (value: T) => U): U | undefined => (value === undefined ? undefined : wrap(value));

/** A variable in a file of an emptyDir volume, which an init container may have written. */
function readFileRef(cursor: Cursor, { volumes }: EnvOptions): FileKeyRef | undefined {
  const volumeName = requiredText(cursor, "volumeName", RULES.label);
  const path = requiredText(cursor, "path", RULES.descendingPath);
  const key = requiredText(cursor, "key", RULES.envName);
  const at = field(cursor, "volumeName");
  const volume = volumes.find(({ name }) => name === volumeName);
  if (at !== undefined && volumeName !== undefined && volume?.source !== "emptyDir") {
    complain(at, { code: "reference", message: `is ${quoted(volumeName)}, should be an emptyDir volume of the pod`, hint: didYouMean(volumeName, volumes.map(({ name }) => name)) });
  }
  if (volumeName === undefined || path === undefined || key === undefined) return undefined;
  return { volumeName, path, key, optional: flag(field(cursor, "optional")) ?? false };
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
