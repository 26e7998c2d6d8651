/**
 * Which fields wherry runs, by the table. Nothing is ignored silently, with one exception: what says nothing. Every
 * generator writes `creationTimestamp: null` and `status: {}`, and `kubectl get -o yaml` empty list metadata; these are
 * taken without effect. Values that an API server has set (uid, resourceVersion, a status, …) are refused: they belong
 * to another object, and a user who keeps them in a file believes in something that would not happen.
 */
import { FIELDS } from "./generated/fields.ts";
import { rowOf } from "./table/table.ts";
import type { Node } from "./tree.ts";

const none = (node: Node): boolean => node.kind === "scalar" && node.value === null;
const emptyText = (node: Node): boolean => node.kind === "scalar" && (node.value === null || node.value === "");
const emptyMap = (node: Node): boolean => none(node) || (node.kind === "map" && node.entries.length === 0);
const emptyListMeta = (node: Node): boolean =>
  none(node) || (node.kind === "map" && node.entries.every(({ key, value }) => (key === "resourceVersion" || key === "selfLink") && emptyText(value)));

/** `Type.field` → whether a value says nothing. */
const SAYS_NOTHING: Readonly<Record<string, (node: Node) => boolean>> = {
  "ObjectMeta.creationTimestamp": none,
  "Pod.status": emptyMap,
  "PersistentVolumeClaim.status": emptyMap,
  "PersistentVolume.status": emptyMap,
  "Namespace.status": emptyMap,
  "List.metadata": emptyListMeta,
};

/** What becomes of a field: it is read, it is read and means nothing here, or it is refused for a reason. */
export type Fate = { readonly is: "read" } | { readonly is: "idle"; readonly why: string } | { readonly is: "refused"; readonly why: string | undefined };

/** The fate of a field that Kubernetes has. `idle`: what is around it is, so it is, too. */
export function fateOf(type: string, field: string, { idle }: { readonly idle: boolean }): Fate {
  if (idle) return { is: "read" };
  const row = rowOf(type, field);
  if (row?.effect === "runs") return { is: "read" };
  if (row?.effect === "none") return { is: "idle", why: row.what };
  return { is: "refused", why: row === undefined || row.what.startsWith("not yet: ") ? undefined : row.what };
}

/** True when the field is run by wherry. */
export const isSupported = (type: string, field: string): boolean => rowOf(type, field)?.effect === "runs";

/** True for a type that is a mapping with fields of its own. */
export const isType = (type: string): boolean => Object.hasOwn(FIELDS, type);

/** True for the values that are taken without effect because they say nothing. */
export function saysNothing(type: string, field: string, value: Node): boolean {
  return SAYS_NOTHING[`${type}.${field}`]?.(value) === true;
}
