/** Namespaces. */
import type { NamespaceObject } from "../spec/spec.ts";
import { entries, field, join, type Cursor } from "./cursor.ts";
import { readClusterMeta } from "./metadata.ts";
import { RULES } from "./rules.ts";

/** Labels that an API server would admit pods by. */
const ADMISSION = "pod-security.kubernetes.io/";
const UNADMITTED = "pods are not checked against Pod Security Standards";

/** Reads a Namespace; undefined when it has no usable name (and that is noted). */
export function readNamespace(object: Cursor): NamespaceObject | undefined {
  const metadata = readClusterMeta(object, "a Namespace", RULES.label);
  const labels = field(field(object, "metadata"), "labels");
  for (const { key, keyAt } of entries(labels)) {
    if (key.startsWith(ADMISSION)) object.sheet.idle.push({ path: join(labels?.path ?? "", key), at: keyAt, why: UNADMITTED });
  }
  return metadata === undefined ? undefined : { apiVersion: "v1", kind: "Namespace", metadata };
}
