/**
 * The downward API: what a pod may learn of itself, as text. For variables and for files alike. Pure.
 * kubelet: `podFieldSelectorRuntimeValue`, `pkg/fieldpath`, `pkg/api/v1/resource`.
 */
import { fail } from "../base/errors.ts";
import { ceilingOf, type Container, type Pod, type ResourceFieldRef } from "../spec/spec.ts";

/** What the pod's own fields do not say. */
export interface PodFacts {
  readonly pod: Pod;
  readonly uid: string;
  readonly node: { readonly name: string; readonly ip: string; readonly ip6?: string };
  /** IPv4 first. The host's own on the host's network; none when the pod has none. */
  readonly podIPs: readonly string[];
}

/** What the host could give to pods, as quantities; it stands in for limits that are not given. */
export type Allocatable = Readonly<Partial<Record<"cpu" | "memory" | "ephemeral-storage", string>>>;

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** The value of a field. A label or annotation that is not there is empty. Kind `invalid` for a path that is none. */
export function fieldValue(facts: PodFacts, path: string): string {
  const { pod: { metadata, spec }, node, podIPs } = facts;
  const [, kind, key = ""] = SUBSCRIPT.exec(path) ?? [];
  if (kind !== undefined) return (kind === "labels" ? metadata.labels : metadata.annotations)[key] ?? "";
  const values: Readonly<Record<string, () => string>> = {
    "metadata.name": () => metadata.name,
    "metadata.namespace": () => metadata.namespace,
    "metadata.uid": () => facts.uid,
    "metadata.labels": () => lines(metadata.labels),
    "metadata.annotations": () => lines(metadata.annotations),
    "spec.nodeName": () => node.name,
    "spec.serviceAccountName": () => spec.serviceAccountName ?? "default",
    "status.hostIP": () => node.ip,
    "status.hostIPs": () => [node.ip, node.ip6 ?? []].flat().join(","),
    "status.podIP": () => podIPs[0] ?? "",
    "status.podIPs": () => podIPs.join(","),
  };
  const value = Object.hasOwn(values, path) ? values[path] : undefined;
  return value === undefined ? fail("invalid", `Cannot read field "${path}" of pod "${metadata.name}": it must be a field of the downward API`) : value();
}

/**
 * The value of a resource of a container in units of the divisor, rounded up. A limit that is not given, or 0, is what
 * the pod as a whole may use, or the host could give; a request that is not given is the limit that is. Nothing at all
 * is 0. Kind `invalid` when the pod has no such container.
 */
export function resourceValue(pod: Pod, ref: ResourceFieldRef & { readonly containerName: string }, allocatable: Allocatable): string {
  const all: readonly Container[] = [...pod.spec.containers, ...pod.spec.initContainers];
  const container = all.find(({ name }) => name === ref.containerName) ?? fail("invalid", `Cannot read resources of container "${ref.containerName}": pod "${pod.metadata.name}" has no such container`);
  const [kind, ...rest] = ref.resource.split(".");
  const name = rest.join(".");
  const limit = container.resources.limits[name];
  const amount = kind === "limits" ? limitOr(limit, pod.spec.resources?.limits[name] ?? given(allocatable, name)) : (container.resources.requests?.[name] ?? limit ?? "0");
  return String(ceilingOf(amount, ref.divisor));
}

const given = (allocatable: Allocatable, name: string): string | undefined =>
  name === "cpu" || name === "memory" || name === "ephemeral-storage" ? allocatable[name] : undefined;

const limitOr = (limit: string | undefined, otherwise: string | undefined): string =>
  limit !== undefined && ceilingOf(limit, "1m") > 0 ? limit : (otherwise ?? "0");

/** `key="value"` lines, sorted, as files of labels are (`fieldpath.FormatMap`). */
function lines(map: Readonly<Record<string, string>>): string {
  return Object.keys(map).toSorted().map((key) => `${key}=${quoted(map[key] ?? "")}`).join("\n");
}

const ESCAPES: Readonly<Record<string, string>> = { "\x07": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"' };

/** Go's `%q`. */
function quoted(text: string): string {
  const escape = (char: string): string => ESCAPES[char] ?? codeOf(char.codePointAt(0) ?? 0);
  return `"${text.replace(/["\\\p{C}]|(?! )\p{Z}/gu, escape)}"`;
}

function codeOf(code: number): string {
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
