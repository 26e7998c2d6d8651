/** The parts of `describe pod` that restate the specification: environment, mounts, volumes. */
import type { Container, EnvVar, Volume } from "../../spec/spec.ts";
import { block, type Line, line } from "./lines.ts";

/** `Environment Variables from:` and `Environment:`; values of Secrets are named, not shown. */
export function environment(spec: Container): readonly Line[] {
  const from = spec.envFrom.flatMap(({ prefix, configMapRef, secretRef }): readonly Line[] => {
    const reference = configMapRef ?? secretRef;
    if (reference === undefined) return [];
    const prefixed = prefix === undefined ? "" : ` with prefix '${prefix}'`;
    return [{ indent: 0, label: reference.name, value: `${secretRef === undefined ? "ConfigMap" : "Secret"}${prefixed}  Optional: ${reference.optional === true}` }];
  });
  const own = spec.env.map((variable) => line(variable.name, source(variable)));
  return [
    ...(from.length === 0 ? [] : block("Environment Variables from", from)),
    ...(own.length === 0 ? [line("Environment", "<none>")] : block("Environment", own)),
  ];
}

function source(variable: EnvVar): string {
  if ("value" in variable) return variable.value;
  const from = variable.valueFrom;
  const [key, what] = "secretKeyRef" in from ? [from.secretKeyRef, "secret"] : [from.configMapKeyRef, "config map"];
  return `<set to the key '${key.key}' ${what === "secret" ? "in" : "of"} ${what} '${key.name}'>  Optional: ${key.optional === true}`;
}

/** `Mounts:` of a container. */
export function mounts(spec: Container): readonly Line[] {
  const rows = spec.volumeMounts.map(({ mountPath, name, readOnly, subPath }) => ({
    indent: 0,
    label: `${mountPath} from ${name} (${readOnly ? "ro" : "rw"}${subPath === undefined ? "" : `,path="${subPath}"`})`,
  }));
  return rows.length === 0 ? [line("Mounts", "<none>")] : block("Mounts", rows);
}

/** One volume of the pod. */
export function volumes(volume: Volume): readonly Line[] {
  return block(volume.name, volumeLines(volume));
}

function volumeLines(volume: Volume): readonly Line[] {
  if ("emptyDir" in volume) {
    const { medium, sizeLimit } = volume.emptyDir;
    return [line("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"), line("Medium", medium ?? ""), line("SizeLimit", sizeLimit ?? "<unset>")];
  }
  if ("hostPath" in volume) {
    const { path, type } = volume.hostPath;
    return [line("Type", "HostPath (bare host directory volume)"), line("Path", path), line("HostPathType", type)];
  }
  if ("configMap" in volume) {
    return [line("Type", "ConfigMap (a volume populated by a ConfigMap)"), line("Name", volume.configMap.name), line("Optional", `${volume.configMap.optional}`)];
  }
  return [line("Type", "Secret (a volume populated by a Secret)"), line("SecretName", volume.secret.secretName), line("Optional", `${volume.secret.optional}`)];
}
