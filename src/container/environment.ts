/** The environment of a container from its fields, ConfigMaps and Secrets: the kubelet's `makeEnvironmentVariables`. */
import type { ConfigMap, Container, EnvVar, FileKeyRef, KeyRef, Secret } from "../spec/spec.ts";
import { type Allocatable, fieldValue, type PodFacts, resourceValue } from "./downward.ts";
import { envFileValue } from "./envFile.ts";
import { expand } from "./expand.ts";

export interface EnvironmentSources extends PodFacts {
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
  readonly allocatable: Allocatable;
  /** Variables of kube Services; those of the container win. */
  readonly services: readonly (readonly [name: string, value: string])[];
  /** Text of a file in a volume of the pod; undefined when there is none. */
  readonly fileOf: (file: Pick<FileKeyRef, "volumeName" | "path">) => string | undefined;
}

export interface Environment {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** Keys that cannot be names of variables were left out (the kubelet's event InvalidEnvironmentVariableNames). */
  readonly warnings: readonly string[];
  /** Required references that lead nowhere, in the kubelet's words: the container cannot be created (CreateContainerConfigError). */
  readonly errors: readonly string[];
}

/** apimachinery `IsEnvVarName`. */
const NAME = /^(?!\.\.?$|\.\.)[-._a-zA-Z][-._a-zA-Z0-9]*$/;

interface Found {
  readonly values: ReadonlyMap<string, string>;
  readonly invalid: readonly string[];
  readonly error?: string;
}

/**
 * Variables of Services, then `envFrom` in order, then `env` in order; later ones win. `$(VAR)` in a value means what stands before it. A variable
 * whose optional reference leads nowhere is not set. `binaryData` is not used.
 */
export function resolveEnvironment(container: Pick<Container, "name" | "env" | "envFrom">, sources: EnvironmentSources): Environment {
  const env = new Map<string, string>(sources.services);
  const warnings: string[] = [];
  const errors: string[] = [];
  for (const from of container.envFrom) {
    const { values, invalid, error } = bulkOf(from, sources);
    for (const [name, value] of values) env.set(name, value);
    if (error !== undefined) errors.push(error);
    if (invalid.length > 0) warnings.push(skipped(from, invalid, sources.pod.metadata.namespace));
  }
  for (const variable of container.env) {
    const { value, error } = valueOf(variable, env, { ...sources, container: container.name });
    if (error !== undefined) errors.push(error);
    if (value !== undefined) env.set(variable.name, value);
  }
  return { env: [...env].map(([name, value]) => ({ name, value })), warnings, errors };
}

type From = Container["envFrom"][number];

function bulkOf(from: From, sources: EnvironmentSources): Found {
  const reference = from.configMapRef ?? from.secretRef;
  const data = from.configMapRef !== undefined ? configMapData(from.configMapRef.name, sources) : secretData(from.secretRef?.name ?? "", sources);
  if (data === undefined) {
    const error = `${from.configMapRef !== undefined ? "configmap" : "secret"} "${reference?.name ?? ""}" not found`;
    return { values: new Map(), invalid: [], ...(reference?.optional === true ? {} : { error }) };
  }
  const named = Object.keys(data).toSorted().map((key) => [`${from.prefix ?? ""}${key}`, data[key] ?? ""] as const);
  return {
    values: new Map(named.filter(([name]) => NAME.test(name))),
    invalid: named.filter(([name]) => !NAME.test(name)).map(([name]) => name),
  };
}

function skipped(from: From, names: readonly string[], namespace: string): string {
  const source = from.configMapRef !== undefined ? `ConfigMap ${namespace}/${from.configMapRef.name}` : `Secret ${namespace}/${from.secretRef?.name ?? ""}`;
  return `Keys [${names.join(", ")}] from the envFrom ${source} were skipped: they are not names of environment variables`;
}

interface Value {
  readonly value?: string;
  readonly error?: string;
}

function valueOf(variable: EnvVar, before: ReadonlyMap<string, string>, sources: EnvironmentSources & { readonly container: string }): Value {
  if ("value" in variable) return { value: expand(variable.value, Object.fromEntries(before)) };
  const { valueFrom } = variable;
  if ("configMapKeyRef" in valueFrom) return keyOf("ConfigMap", valueFrom.configMapKeyRef, sources);
  if ("secretKeyRef" in valueFrom) return keyOf("Secret", valueFrom.secretKeyRef, sources);
  if ("fieldRef" in valueFrom) return { value: fieldValue(sources, valueFrom.fieldRef.fieldPath) };
  if ("fileKeyRef" in valueFrom) return fileValue(valueFrom.fileKeyRef, sources);
  const { resourceFieldRef: { containerName = sources.container, ...ref } } = valueFrom;
  return { value: resourceValue(sources.pod, { ...ref, containerName }, sources.allocatable) };
}

function fileValue({ volumeName, path, key, optional }: FileKeyRef, { fileOf }: EnvironmentSources): Value {
  const text = fileOf({ volumeName, path });
  const value = text === undefined ? undefined : envFileValue(text, key);
  if (value !== undefined) return { value };
  if (optional) return {};
  return { error: text === undefined ? `environment variable file "${path}" not found in volume "${volumeName}"` : `environment variable key "${key}" not found in file "${path}"` };
}

function keyOf(kind: "ConfigMap" | "Secret", { name, key, optional }: KeyRef, sources: EnvironmentSources): Value {
  const data = kind === "ConfigMap" ? configMapData(name, sources) : secretData(name, sources);
  if (data !== undefined && Object.hasOwn(data, key)) return { value: data[key] ?? "" };
  if (optional === true) return {};
  if (data === undefined) return { error: `${kind.toLowerCase()} "${name}" not found` };
  return { error: `couldn't find key ${key} in ${kind} ${sources.pod.metadata.namespace}/${name}` };
}

type Data = Readonly<Record<string, string>>;

function configMapData(name: string, { configMaps, pod: { metadata: { namespace } } }: EnvironmentSources): Data | undefined {
  return configMaps.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)?.data;
}

function secretData(name: string, { secrets, pod: { metadata: { namespace } } }: EnvironmentSources): Data | undefined {
  const secret = secrets.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (secret === undefined) return undefined;
  return Object.fromEntries(Object.entries(secret.data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));
}
