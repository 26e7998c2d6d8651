/** Takes the values of Secrets out of an OCI configuration, so that it can be shown. */
import type { Container, Secret } from "../spec/spec.ts";

const HIDDEN = "<hidden>";

/**
 * Hides an environment variable that comes from a Secret, and every variable and argument that contains a secret value
 * (`$(PASSWORD)` is replaced before the configuration is written). `secrets` are those of the pod's namespace; when one
 * that is loaded as a whole is not among them, every variable that the container does not declare itself is hidden.
 */
export function hideSecrets(config: unknown, container: Container, secrets: readonly Secret[]): unknown {
  if (!isObject(config) || !isObject(config["process"])) return config;
  const { process } = config;
  const env = strings(process["env"]);
  const secret = secretNames(container, secrets);
  const values = [...secretValues(container, secrets), ...env.filter((entry) => secret(nameOf(entry))).map(valueOf)].filter((value) => value !== "");
  const shows = (text: string): boolean => values.some((value) => text.includes(value));
  return {
    ...config,
    process: {
      ...process,
      env: env.map((entry) => (secret(nameOf(entry)) || shows(valueOf(entry)) ? `${nameOf(entry)}=${HIDDEN}` : entry)),
      args: strings(process["args"]).map((word) => (shows(word) ? HIDDEN : word)),
    },
  };
}

/** Whether a container's variables come from Secrets. */
export const usesSecrets = ({ env, envFrom }: Container): boolean =>
  env.some((variable) => "valueFrom" in variable && "secretKeyRef" in variable.valueFrom) || envFrom.some(({ secretRef }) => secretRef !== undefined);

/** Whether a variable's value comes from a Secret. */
function secretNames(container: Container, secrets: readonly Secret[]): (name: string) => boolean {
  const declared = new Map(container.env.map((variable) => [variable.name, "valueFrom" in variable && "secretKeyRef" in variable.valueFrom]));
  const loaded = container.envFrom.flatMap(({ prefix = "", secretRef }) => (secretRef === undefined ? [] : [{ prefix, secret: find(secrets, secretRef.name) }]));
  const unknown = loaded.some(({ secret }) => secret === undefined);
  const names = new Set(loaded.flatMap(({ prefix, secret }) => Object.keys(secret?.data ?? {}).map((key) => prefix + key)));
  return (name) => declared.get(name) ?? (unknown || names.has(name));
}

function secretValues(container: Container, secrets: readonly Secret[]): readonly string[] {
  const keys = container.env.flatMap((variable) => ("valueFrom" in variable && "secretKeyRef" in variable.valueFrom ? [variable.valueFrom.secretKeyRef] : []));
  const encoded = [
    ...keys.map(({ name, key }) => find(secrets, name)?.data[key] ?? ""),
    ...container.envFrom.flatMap(({ secretRef }) => Object.values((secretRef === undefined ? undefined : find(secrets, secretRef.name))?.data ?? {})),
  ];
  return encoded.map((value) => Buffer.from(value, "base64").toString());
}

const find = (secrets: readonly Secret[], name: string): Secret | undefined => secrets.find((secret) => secret.metadata.name === name);
const nameOf = (entry: string): string => entry.split("=")[0] ?? "";
const valueOf = (entry: string): string => entry.slice(nameOf(entry).length + 1);
const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
