/** Types, enumerations and required fields, by the validators that `kubernetes-models` compiles from the Kubernetes API schema. */
import { validate as validateConfigMap } from "kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap";
import { validate as validateNamespace } from "kubernetes-models/_schemas/IoK8sApiCoreV1Namespace";
import { validate as validateVolume } from "kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolume";
import { validate as validateClaim } from "kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim";
import { validate as validatePod } from "kubernetes-models/_schemas/IoK8sApiCoreV1Pod";
import { validate as validateSecret } from "kubernetes-models/_schemas/IoK8sApiCoreV1Secret";
import { complain, complainMissing, join, what, type Cursor, type Trouble } from "./cursor.ts";
import { nearest } from "./suggest.ts";
import { entryOf, isNull, oneOf, valueOf, type Node } from "./tree.ts";

const VALIDATORS = { Pod: validatePod, ConfigMap: validateConfigMap, Secret: validateSecret, PersistentVolumeClaim: validateClaim, PersistentVolume: validateVolume, Namespace: validateNamespace };

/** One finding of a validator (an Ajv error object). */
interface Finding {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Notes every value of the wrong type, outside its enumeration, or missing. Messages are wherry's own. */
export function checkSchema(cursor: Cursor, kind: keyof typeof VALIDATORS): void {
  const validate = VALIDATORS[kind];
  if (validate(valueOf(cursor.node))) return;
  const findings = findingsOf(validate);
  const enumerations = new Set(findings.filter(({ keyword }) => keyword === "enum").map(({ instancePath }) => instancePath));
  for (const finding of strongest(findings)) {
    const at = follow(cursor, finding.instancePath);
    // All enumerations are of optional fields, for which null means absent; the validators know that only of other fields.
    if (!enumerations.has(finding.instancePath) || !isNull(at.node)) report(at, finding);
  }
}

/** Parse function: validators leave their findings in a property that their declarations do not mention. */
function findingsOf(validate: object): readonly Finding[] {
  const errors = "errors" in validate ? validate.errors : undefined;
  return Array.isArray(errors) ? (errors as Finding[]) : []; // Ajv's documented shape, made by generated code
}

/** One finding for each value: a failed alternative (`oneOf`) says more than its parts, else the first says it. */
function strongest(findings: readonly Finding[]): readonly Finding[] {
  const kept = new Map<string, Finding>();
  for (const finding of findings) {
    const key = finding.keyword === "required" ? `${finding.instancePath} ${String(finding.params["missingProperty"])}` : finding.instancePath;
    if (!kept.has(key) || finding.keyword === "oneOf") kept.set(key, finding);
  }
  return [...kept.values()];
}

function report(cursor: Cursor, finding: Finding): void {
  if (finding.keyword === "required") return complainMissing(cursor, String(finding.params["missingProperty"]));
  const trouble = troubleOf(finding, cursor);
  if (trouble !== undefined) complain(cursor, trouble);
}

/** Follows a JSON pointer. */
function follow(root: Cursor, pointer: string): Cursor {
  let cursor = root;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const { node, path, sheet } = cursor;
    const list = node.kind === "list";
    const child = list ? node.items[Number(key)] : entryOf(node, key)?.value;
    if (child === undefined) return cursor;
    cursor = { node: child, path: list ? `${path}[${key}]` : join(path, key), sheet };
  }
  return cursor;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
};

function troubleOf({ keyword, params }: Finding, cursor: Cursor): Trouble | undefined {
  const { node } = cursor;
  const is = `is ${what(cursor)}`;
  switch (keyword) {
    case "type":
      return { code: "type", message: `${is}, should be ${TYPES[String(params["type"])] ?? String(params["type"])}`, hint: typeHint(node, String(params["type"])) };
    case "enum": {
      const allowed = Array.isArray(params["allowedValues"]) ? params["allowedValues"].map(String) : [];
      const found = node.kind === "scalar" && typeof node.value === "string" ? nearest(node.value, allowed) : undefined;
      return { code: "value", message: `${is}, should be ${oneOf(allowed)}`, hint: found === undefined ? undefined : `did you mean "${found}"?` };
    }
    case "oneOf":
      // Only quantities have alternatives: number or text. Text is judged by the readers.
      return node.kind === "scalar" && typeof node.value === "string" ? undefined : { code: "type", message: `${is}, should be a quantity such as 500m, 64Mi or 2G` };
    case "format":
      // The readers know more about base64.
      return params["format"] === "byte" ? undefined : { code: "value", message: `${is}, should fit into ${String(params["format"])}` };
    default:
      return { code: "value", message: `${is}, should satisfy "${keyword}" of the Kubernetes API schema` };
  }
}

function typeHint(node: Node, type: string): string | undefined {
  if (type === "string" && node.kind === "scalar") return isNull(node) ? 'write "" for empty text' : "put it in quotes";
  if (type === "array" && node.kind === "map") return 'start every item with "- "';
  if ((type === "integer" || type === "boolean") && node.kind === "scalar" && typeof node.value === "string" && node.value !== "") return "without quotes, if it is in quotes";
  return undefined;
}
