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
  if ("fieldRef" in from) return `(v1:${from.fieldRef.fieldPath})`;
  if ("resourceFieldRef" in from) return `(${from.resourceFieldRef.resource})`;
  if ("fileKeyRef" in from) return `<set to the variable '${from.fileKeyRef.key}' of file '${from.fileKeyRef.path}' in volume '${from.fileKeyRef.volumeName}'>  Optional: ${from.fileKeyRef.optional}`;
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
  if (!("secret" in volume)) return otherSource(volume);
  return [line("Type", "Secret (a volume populated by a Secret)"), line("SecretName", volume.secret.secretName), line("Optional", `${volume.secret.optional}`)];
}

function otherSource(volume: Volume): readonly Line[] {
  if ("persistentVolumeClaim" in volume) {
    const { claimName, readOnly } = volume.persistentVolumeClaim;
    return [line("Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"), line("ClaimName", claimName), line("ReadOnly", `${readOnly}`)];
  }
  if ("image" in volume) return [line("Type", "Image (a container image or OCI artifact)"), line("Reference", volume.image.reference), line("PullPolicy", volume.image.pullPolicy)];
  if ("ephemeral" in volume) return [line("Type", "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)")];
  if ("downwardAPI" in volume) return [line("Type", "DownwardAPI (a volume populated by information about the pod)")];
  return [line("Type", "Projected (a volume that contains injected data from multiple sources)")];
}
