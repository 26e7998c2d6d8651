/** Specifications of claims: of PersistentVolumeClaims, and of those that a pod makes for itself. */
import { ACCESS_MODES, type AccessMode, type ClaimSpec, type ClaimTemplate, type LabelSelector } from "../spec/spec.ts";
import { complain, complainMissing, entries, field, items, text, type Cursor } from "./cursor.ts";
import { present } from "./present.ts";
import { follows, optionalText, quantityText, RULES } from "./rules.ts";
import { oneOf, quoted } from "./tree.ts";

/** `spec` of a claim; undefined when it is wrong (and noted). */
export function readClaimSpec(spec: Cursor): ClaimSpec | undefined {
  const accessModes = readAccessModes(spec);
  const requests = field(field(spec, "resources"), "requests");
  const size = field(requests, "storage");
  const storage = quantityText(size, "bytes");
  if (size === undefined) complainMissing({ ...spec, path: `${spec.path}.resources.requests` }, "storage", "should be the least capacity of the volume, such as 1Gi");
  if (storage === undefined) return undefined;
  const storageClassName = text(field(spec, "storageClassName"));
  return {
    accessModes,
    resources: { requests: { storage } },
    volumeMode: text(field(spec, "volumeMode")) === "Block" ? "Block" : "Filesystem",
    ...present("volumeName", optionalText(spec, "volumeName", RULES.subdomain)),
    ...present("selector", readSelector(field(spec, "selector"))),
    ...present("storageClassName", storageClassName),
  };
}

/** `accessModes` of a claim or a volume: at least one. */
export function readAccessModes(spec: Cursor): readonly AccessMode[] {
  const list = field(spec, "accessModes");
  if (items(list).length === 0) complainMissing(spec, "accessModes", `should hold at least one of ${oneOf(ACCESS_MODES)}`);
  return items(list).flatMap((item) => {
    const mode = ACCESS_MODES.find((known) => known === text(item));
    if (mode === undefined) complain(item, { code: "value", message: `is ${quoted(text(item) ?? "")}, should be ${oneOf(ACCESS_MODES)}` });
    return mode === undefined ? [] : [mode];
  });
}

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** A label selector; undefined when there is none. */
export function readSelector(cursor: Cursor | undefined): LabelSelector | undefined {
  if (cursor === undefined) return undefined;
  const matchLabels = Object.fromEntries(entries(field(cursor, "matchLabels")).map(({ key, keyAt, value }) => {
    if (!RULES.labelKey.accepts(key)) complain(value, { code: "value", message: `key is ${quoted(key)}, should be ${RULES.labelKey.should}` }, keyAt);
    follows(value, RULES.labelValue);
    return [key, text(value) ?? ""];
  }));
  const matchExpressions = items(field(cursor, "matchExpressions")).flatMap((item) => {
    const at = field(item, "operator");
    const operator = OPERATORS.find((known) => known === text(at));
    if (at !== undefined && operator === undefined) complain(at, { code: "value", message: `is ${quoted(text(at) ?? "")}, should be ${oneOf(OPERATORS)}` });
    const values = items(field(item, "values")).flatMap((value) => text(value) ?? []);
    const needs = operator === "In" || operator === "NotIn";
    if (operator !== undefined && needs !== values.length > 0) complain(field(item, "values") ?? item, { code: "value", message: needs ? `is empty, should hold values for operator ${operator}` : `is given, should not be for operator ${operator}` });
    return operator === undefined ? [] : [{ key: text(field(item, "key")) ?? "", operator, values }];
  });
  return { matchLabels, matchExpressions };
}

/** `volumeClaimTemplate` of an ephemeral volume; undefined when it is wrong (and noted). */
export function readClaimTemplate(volume: Cursor): ClaimTemplate | undefined {
  const template = field(volume, "volumeClaimTemplate");
  const spec = field(template, "spec");
  if (template === undefined) complainMissing(volume, "volumeClaimTemplate");
  else if (spec === undefined) complainMissing(template, "spec");
  const read = spec === undefined ? undefined : readClaimSpec(spec);
  const pairs = (name: string): Readonly<Record<string, string>> => Object.fromEntries(entries(field(field(template, "metadata"), name)).map(({ key, value }) => [key, text(value) ?? ""]));
  if (spec !== undefined && read !== undefined) checkEphemeral(spec, read);
  return read === undefined ? undefined : { metadata: { labels: pairs("labels"), annotations: pairs("annotations") }, spec: read };
}

/** An ephemeral volume is always provisioned: here it is a directory of this host. */
function checkEphemeral(spec: Cursor, { storageClassName, selector, volumeName, volumeMode }: ClaimSpec): void {
  const refuse = (name: string, message: string): void => {
    const at = field(spec, name);
    if (at !== undefined) complain(at, { code: "value", message });
  };
  if (storageClassName === "") refuse("storageClassName", "is empty, should be absent or a name: an ephemeral volume is always provisioned");
  if (selector !== undefined) refuse("selector", "is given, should not be: an ephemeral volume is always provisioned");
  if (volumeName !== undefined) refuse("volumeName", "is given, should not be: an ephemeral volume is always provisioned");
  if (volumeMode === "Block") refuse("volumeMode", "is Block, should be Filesystem: an ephemeral volume is a directory of this host");
}
