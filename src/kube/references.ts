/** What only the objects together can tell: names given twice, host ports taken twice, references to nothing. */
import { PULL_SECRET_KEYS, type KubeObject, type Pod, type Secret } from "../spec/spec.ts";
import { complain, field, items, type Cursor, type HostPortUse, type Reference } from "./cursor.ts";
import { RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { oneOf, quoted, textOf } from "./tree.ts";

/** An object as it was read; `object` is undefined when it cannot be one (and that is noted). */
export interface Read {
  readonly cursor: Cursor;
  readonly object: KubeObject | undefined;
}

/** Notes every object whose kind, namespace and name have been given before. */
export function checkDuplicates(objects: readonly Read[]): void {
  const first = new Map<string, Cursor>();
  for (const { cursor } of objects) {
    const { object } = cursor.sheet;
    const name = field(field(cursor, "metadata"), "name");
    if (name === undefined || object === "") continue;
    const other = first.get(object);
    if (other === undefined) first.set(object, name);
    else complain(name, { code: "duplicate", message: `${object} is given twice, first ${placeOf(other, name)}` });
  }
}

/** `on line 3`, with the file when it is another one. */
function placeOf(cursor: Cursor, from: Cursor): string {
  const line = `on line ${cursor.node.at.line}`;
  return cursor.sheet.file === from.sheet.file ? line : `${line} of ${cursor.sheet.file}`;
}

/** Notes every host port that is asked for twice: all pods of a manifest share one host. */
export function checkHostPorts(objects: readonly Read[]): void {
  const taken: HostPortUse[] = [];
  for (const use of objects.flatMap(({ cursor }) => cursor.sheet.hostPorts)) {
    const other = taken.find((candidate) => collide(candidate, use));
    if (other !== undefined) complain(use.at, { code: "duplicate", message: `host port ${use.port}/${use.protocol} is asked for twice, first by ${other.at.sheet.object} ${placeOf(other.at, use.at)}` });
    taken.push(use);
  }
}

const isEverywhere = (ip: string): boolean => ip === "" || ip === "0.0.0.0" || ip === "::";
const collide = (a: HostPortUse, b: HostPortUse): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || isEverywhere(a.ip) || isEverywhere(b.ip));

/** Notes every reference to a ConfigMap, a Secret, or a key of one, that is not there. */
export function checkReferences(objects: readonly Read[]): void {
  const keys = new Map<string, ReadonlySet<string>>();
  for (const { cursor, object } of objects) {
    if (cursor.sheet.object !== "") keys.set(cursor.sheet.object, keysOf(object));
  }
  for (const reference of objects.flatMap(({ cursor }) => cursor.sheet.references)) checkReference(reference, keys);
}

function checkReference({ kind, namespace, name, keys, at }: Reference, known: ReadonlyMap<string, ReadonlySet<string>>): void {
  if (!RULES.label.accepts(namespace)) return; // told already, and nothing can be in it
  const found = known.get(`${kind} ${namespace}/${name}`);
  if (found === undefined) {
    const prefix = `${kind} ${namespace}/`;
    const there = [...known.keys()].filter((object) => object.startsWith(prefix)).map((object) => object.slice(prefix.length));
    const place = field(at, "name") ?? field(at, "secretName") ?? field(at, "claimName") ?? at;
    complain(place, { code: "reference", message: `is ${quoted(name)}, should be a ${kind} of the manifest in namespace ${namespace}${kind === "PersistentVolumeClaim" ? "" : ", or be optional"}`, hint: didYouMean(name, there) });
    return;
  }
  for (const { key, at: user } of keys) {
    if (found.has(key)) continue;
    complain(field(user, "key") ?? user, { code: "reference", message: `is ${quoted(key)}, should be a key of ${kind} ${namespace}/${name}, or be optional`, hint: didYouMean(key, [...found]) });
  }
}

/** Notes every Secret that a pod would pull images with and that holds no credentials for registries: Kubernetes ignores it. */
export function checkPullSecrets(objects: readonly Read[]): void {
  const secrets = objects.flatMap(({ object }): readonly Secret[] => (object?.kind === "Secret" ? [object] : []));
  for (const { cursor, object } of objects) {
    if (object?.kind !== "Pod") continue;
    for (const at of items(field(field(cursor, "spec"), "imagePullSecrets"))) {
      const name = textOf(at.node, "name");
      const secret = secrets.find(({ metadata }) => metadata.name === name && metadata.namespace === object.metadata.namespace);
      if (secret === undefined || Object.hasOwn(PULL_SECRET_KEYS, secret.type)) continue;
      complain(field(at, "name") ?? at, { code: "reference", message: `is a Secret of type ${quoted(secret.type)}, should be one of type ${oneOf(Object.keys(PULL_SECRET_KEYS))}` });
    }
  }
}

function keysOf(object: KubeObject | undefined): ReadonlySet<string> {
  if (object?.kind === "ConfigMap") return new Set([...Object.keys(object.data), ...Object.keys(object.binaryData)]);
  return new Set(object?.kind === "Secret" ? Object.keys(object.data) : []);
}

/** Names of the ConfigMaps and Secrets that a pod refers to, sorted: from env, envFrom and volumes. */
export function referencedConfig(pod: Pod): { readonly configMaps: readonly string[]; readonly secrets: readonly string[] } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const container of [...pod.spec.initContainers, ...pod.spec.containers]) {
    for (const variable of container.env) {
      if (!("valueFrom" in variable)) continue;
      if ("configMapKeyRef" in variable.valueFrom) configMaps.add(variable.valueFrom.configMapKeyRef.name);
      else if ("secretKeyRef" in variable.valueFrom) secrets.add(variable.valueFrom.secretKeyRef.name);
    }
    for (const source of container.envFrom) {
      if (source.configMapRef !== undefined) configMaps.add(source.configMapRef.name);
      if (source.secretRef !== undefined) secrets.add(source.secretRef.name);
    }
  }
  for (const volume of pod.spec.volumes) {
    if ("configMap" in volume) configMaps.add(volume.configMap.name);
    if ("secret" in volume) secrets.add(volume.secret.secretName);
    for (const source of "projected" in volume ? volume.projected.sources : []) {
      if ("configMap" in source) configMaps.add(source.configMap.name);
      if ("secret" in source) secrets.add(source.secret.name);
    }
  }
  return { configMaps: [...configMaps].sort(), secrets: [...secrets].sort() };
}

/**
 * What of it the pod has read when its containers start, and does not see change: variables, and files that are mounted
 * by a subPath. The files of other volumes are the present ones at any time.
 */
export function startedWith(pod: Pod): ReturnType<typeof referencedConfig> {
  const mounts = [...pod.spec.initContainers, ...pod.spec.containers].flatMap(({ volumeMounts }) => volumeMounts);
  const byPath = new Set(mounts.filter(({ subPath = "", subPathExpr = "" }) => subPath !== "" || subPathExpr !== "").map(({ name }) => name));
  return referencedConfig({ ...pod, spec: { ...pod.spec, volumes: pod.spec.volumes.filter(({ name }) => byPath.has(name)) } });
}
