/**
 * The fields that wherry runs, by Kubernetes type (the types of `generated/fields.ts`). A field that Kubernetes knows
 * and that is not here is refused by name; this table is the only place that says so.
 *
 * Nothing is ignored silently, with one exception: what says nothing. Every generator writes
 * `creationTimestamp: null` and `status: {}`, and `kubectl get -o yaml` empty list metadata; these are taken without
 * effect. Values that an API server has set (uid, resourceVersion, a status, …) are refused: they belong to another
 * object, and a user who keeps them in a file believes in something that would not happen.
 */
import type { Node } from "./tree.ts";

export const SUPPORTED: Readonly<Record<string, readonly string[]>> = {
  List: ["apiVersion", "kind", "items"],
  Pod: ["apiVersion", "kind", "metadata", "spec"],
  ConfigMap: ["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"],
  Secret: ["apiVersion", "kind", "metadata", "type", "data", "stringData", "immutable"],
  ObjectMeta: ["name", "namespace", "labels", "annotations"],
  ListMeta: [],
  PodSpec: ["initContainers", "containers", "volumes", "restartPolicy", "terminationGracePeriodSeconds", "hostNetwork", "hostname", "imagePullSecrets"],
  LocalObjectReference: ["name"],
  Container: ["name", "image", "imagePullPolicy", "command", "args", "workingDir", "env", "envFrom", "ports", "volumeMounts", "resources"],
  ResourceRequirements: ["limits"],
  EnvVar: ["name", "value", "valueFrom"],
  EnvVarSource: ["configMapKeyRef", "secretKeyRef"],
  ConfigMapKeySelector: ["name", "key", "optional"],
  SecretKeySelector: ["name", "key", "optional"],
  EnvFromSource: ["prefix", "configMapRef", "secretRef"],
  ConfigMapEnvSource: ["name", "optional"],
  SecretEnvSource: ["name", "optional"],
  ContainerPort: ["name", "containerPort", "hostPort", "hostIP", "protocol"],
  VolumeMount: ["name", "mountPath", "readOnly", "subPath"],
  Volume: ["name", "emptyDir", "hostPath", "configMap", "secret"],
  EmptyDirVolumeSource: ["medium", "sizeLimit"],
  HostPathVolumeSource: ["path", "type"],
  ConfigMapVolumeSource: ["name", "items", "defaultMode", "optional"],
  SecretVolumeSource: ["secretName", "items", "defaultMode", "optional"],
  KeyToPath: ["key", "path", "mode"],
};

const none = (node: Node): boolean => node.kind === "scalar" && node.value === null;
const emptyText = (node: Node): boolean => node.kind === "scalar" && (node.value === null || node.value === "");
const emptyMap = (node: Node): boolean => none(node) || (node.kind === "map" && node.entries.length === 0);
const emptyListMeta = (node: Node): boolean =>
  none(node) || (node.kind === "map" && node.entries.every(({ key, value }) => (key === "resourceVersion" || key === "selfLink") && emptyText(value)));

/** `Type.field` → whether a value says nothing. */
const SAYS_NOTHING: Readonly<Record<string, (node: Node) => boolean>> = {
  "ObjectMeta.creationTimestamp": none,
  "Pod.status": emptyMap,
  "List.metadata": emptyListMeta,
};

const FROM_SERVER = "the API server of a cluster sets it: remove it";
const HINTS: Readonly<Record<string, string>> = {
  "ObjectMeta.generateName": "give metadata.name",
  "Pod.status": FROM_SERVER,
  "List.metadata": FROM_SERVER,
  ...Object.fromEntries(
    ["creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid"].map(
      (field) => [`ObjectMeta.${field}`, FROM_SERVER],
    ),
  ),
};

/** True when the field is run by wherry. */
export function isSupported(type: string, field: string): boolean {
  return SUPPORTED[type]?.includes(field) === true;
}

/** True for the values that are taken without effect because they say nothing. */
export function saysNothing(type: string, field: string, value: Node): boolean {
  return SAYS_NOTHING[`${type}.${field}`]?.(value) === true;
}

/** What to do about an unsupported field, where there is more to say than "not yet". */
export function unsupportedHint(type: string, field: string): string | undefined {
  return HINTS[`${type}.${field}`];
}
