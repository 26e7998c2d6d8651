/** `metadata` of every object. */
import { CLUSTER, namespace as parseNamespace, type ObjectMeta } from "../spec/spec.ts";
import { complain, complainMissing, entries, field, text, type Cursor } from "./cursor.ts";
import { follows, optionalText, requiredText, RULES, type Rule } from "./rules.ts";
import { quoted } from "./tree.ts";

/** Of all keys and values together (`TotalAnnotationSizeLimitB`). */
export const ANNOTATIONS_MAX = 256 * 1024;

export interface MetaOptions<Name extends string> {
  /** Makes the name; called with a DNS subdomain only. */
  readonly name: (text: string) => Name;
  /** What the name must be; a DNS subdomain when absent. */
  readonly rule?: Rule;
  /** Added to the annotations; they win. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Reads `metadata`; undefined when name or namespace are wrong (and noted). */
export function readMeta<Name extends string>(object: Cursor, options: MetaOptions<Name>): ObjectMeta<Name> | undefined {
  const metadata = field(object, "metadata");
  if (metadata === undefined) complainMissing({ ...object, path: "metadata" }, "name");
  const name = metadata === undefined ? undefined : requiredText(metadata, "name", options.rule ?? RULES.subdomain);
  if (metadata !== undefined) optionalText(metadata, "namespace", RULES.label);
  const labels = readPairs(field(metadata, "labels"), RULES.labelKey, RULES.labelValue);
  const annotations = { ...readPairs(field(metadata, "annotations"), RULES.annotationKey), ...options.annotations };
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  const place = field(metadata, "annotations") ?? object;
  if (size > ANNOTATIONS_MAX) complain(place, { code: "value", message: `holds ${size} bytes, should be at most ${ANNOTATIONS_MAX}` });
  const space = object.sheet.namespace;
  if (name === undefined || !RULES.label.accepts(space)) return undefined;
  return { name: options.name(name), namespace: parseNamespace(space), labels, annotations };
}

/** Reads `metadata` of what belongs to no namespace: `what` it is, such as `a PersistentVolume`. */
export function readClusterMeta(object: Cursor, what: string, rule: Rule = RULES.subdomain): ObjectMeta | undefined {
  const metadata = readMeta(object, { name: String, rule });
  const space = field(field(object, "metadata"), "namespace");
  if (space !== undefined && text(space) !== "") complain(space, { code: "value", message: `is given, should not be: ${what} belongs to no namespace` });
  return metadata === undefined ? undefined : { ...metadata, namespace: CLUSTER };
}

function readPairs(cursor: Cursor | undefined, keys: Rule, values?: Rule): Readonly<Record<string, string>> {
  const pairs: [string, string][] = [];
  for (const { key, keyAt, value } of entries(cursor)) {
    if (!keys.accepts(key)) complain(value, { code: "value", message: `key is ${quoted(key)}, should be ${keys.should}` }, keyAt);
    if (values !== undefined) follows(value, values);
    pairs.push([key, text(value) ?? ""]);
  }
  return Object.fromEntries(pairs);
}
