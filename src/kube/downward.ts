/** The downward API: fields of the pod and resources of its containers, as values of variables and files. */
import type { DownwardFile, FieldRef, ResourceFieldRef } from "../spec/spec.ts";
import { onlyOne } from "./choice.ts";
import { complain, field, items, what, type Cursor } from "./cursor.ts";
import { present } from "./present.ts";
import { optionalText, quantityText, requiredText, RULES, type Rule } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { quoted } from "./tree.ts";
import { readMode } from "./mode.ts";

const COMMON = ["metadata.name", "metadata.namespace", "metadata.uid"] as const;
/** core/v1 `validEnvDownwardAPIFieldPathExpressions` and `validVolumeDownwardAPIFieldPathExpressions`. */
const PATHS = {
  variable: [...COMMON, "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"],
  file: [...COMMON, "metadata.labels", "metadata.annotations"],
} as const;
const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.+)'\]$/;

export type Use = keyof typeof PATHS;

/** A field of the pod that a variable or file may hold; undefined when it is none (and noted). */
export function readFieldRef(cursor: Cursor, use: Use): FieldRef | undefined {
  const version = optionalText(cursor, "apiVersion");
  const at = field(cursor, "apiVersion");
  if (at !== undefined && version !== undefined && version !== "v1") complain(at, { code: "value", message: `is ${quoted(version)}, should be "v1"` });
  const fieldPath = requiredText(cursor, "fieldPath");
  const place = field(cursor, "fieldPath");
  if (fieldPath === undefined || place === undefined) return undefined;
  if (PATHS[use].some((path) => path === fieldPath)) return { fieldPath };
  const [, kind, key] = SUBSCRIPT.exec(fieldPath) ?? [];
  if (key !== undefined && (kind === "labels" ? RULES.labelKey : RULES.annotationKey).accepts(key)) return { fieldPath };
  const should = use === "variable" ? "a field that a variable can hold" : "a field that a file can hold";
  complain(place, { code: "value", message: `is ${what(place)}, should be ${should}: ${PATHS[use].join(", ")}, metadata.labels['KEY'] or metadata.annotations['KEY']`, hint: didYouMean(fieldPath, PATHS[use]) });
  return undefined;
}

const RESOURCE: Rule = {
  accepts: (text) => /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-[0-9A-Za-z]+)$/.test(text),
  should: "limits. or requests. with cpu, memory, ephemeral-storage or hugepages-SIZE",
};

/** A resource of a container; undefined when it is none (and noted). `use` a file needs to say of which container. */
export function readResourceRef(cursor: Cursor, use: Use): ResourceFieldRef | undefined {
  const resource = requiredText(cursor, "resource", RESOURCE);
  const containerName = use === "file" ? requiredText(cursor, "containerName", RULES.label) : optionalText(cursor, "containerName", RULES.label);
  const divisor = field(cursor, "divisor");
  const unit = resource?.endsWith(".cpu") === true ? "cores" : "bytes";
  const written = quantityText(divisor, unit);
  if (divisor !== undefined && written !== undefined && !DIVISORS[unit].test(written)) {
    complain(divisor, { code: "value", message: `is ${quoted(written)}, should be ${unit === "cores" ? "1 or 1m" : "1, or 1 with a suffix such as k, Ki, M, Mi, G or Gi"}` });
  }
  if (resource === undefined || (use === "file" && containerName === undefined)) return undefined;
  return { ...present("containerName", containerName), resource, divisor: written === undefined || written === "0" ? "1" : written };
}

/** core/v1 `validContainerResourceDivisorFor…`; 0 means the default. */
const DIVISORS = { cores: /^(0|1m?)$/, bytes: /^(0|1([kMGTPE]|[KMGTPE]i)?)$/ } as const;

/** The files of a downwardAPI volume. */
export function readDownwardFiles(cursor: Cursor): readonly DownwardFile[] {
  return items(field(cursor, "items")).flatMap((item): readonly DownwardFile[] => {
    const path = requiredText(item, "path", RULES.itemPath);
    const mode = readMode(item, "mode");
    const source = onlyOne(item, ["fieldRef", "resourceFieldRef"]);
    if (source === undefined || path === undefined) return [];
    const rest = { path, ...present("mode", mode) };
    if (source.name === "fieldRef") {
      const fieldRef = readFieldRef(source.cursor, "file");
      return fieldRef === undefined ? [] : [{ ...rest, fieldRef }];
    }
    const found = readResourceRef(source.cursor, "file");
    return found?.containerName === undefined ? [] : [{ ...rest, resourceFieldRef: { ...found, containerName: found.containerName } }];
  });
}
