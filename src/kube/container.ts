/** A container of a pod. */
import { containerName, PULL_POLICIES, type Container, type ResourceRequirements } from "../spec/spec.ts";
import { complain, entries, field, items, join, text, type Cursor } from "./cursor.ts";
import { readEnvFrom, readEnvVar } from "./env.ts";
import { IMAGE } from "./image.ts";
import { readPorts, type PortOptions } from "./ports.ts";
import { present } from "./present.ts";
import { optionalText, quantityText, requiredText, RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { readMounts } from "./volumes.ts";

export interface ContainerOptions extends PortOptions {
  /** Names of the pod's volumes. */
  readonly volumes: readonly string[];
}

/** Reads a container; undefined when it has no usable name or image (and that is noted). */
export function readContainer(cursor: Cursor, options: ContainerOptions): Container | undefined {
  const name = requiredText(cursor, "name", RULES.label);
  const image = requiredText(cursor, "image", RULES.image);
  const policy = text(field(cursor, "imagePullPolicy"));
  const rest = {
    ...present("command", readWords(cursor, "command")),
    ...present("args", readWords(cursor, "args")),
    ...present("workingDir", optionalText(cursor, "workingDir", RULES.absolutePath)),
    env: items(field(cursor, "env")).map(readEnvVar).filter((entry) => entry !== undefined),
    envFrom: items(field(cursor, "envFrom")).map(readEnvFrom).filter((entry) => entry !== undefined),
    ports: readPorts(cursor, options),
    volumeMounts: readMounts(cursor, options.volumes),
    resources: readResources(cursor),
  };
  if (name === undefined || image === undefined) return undefined;
  const imagePullPolicy = PULL_POLICIES.find((known) => known === policy) ?? (IMAGE.isMoving(image) ? "Always" : "IfNotPresent");
  return { name: containerName(name), image, imagePullPolicy, ...rest };
}

/** A list of words; an empty one is the same as none. */
function readWords(cursor: Cursor, name: string): readonly string[] | undefined {
  const words = items(field(cursor, name)).map((item) => text(item) ?? "");
  return words.length === 0 ? undefined : words;
}

function readResources(cursor: Cursor): ResourceRequirements {
  const limits = field(field(cursor, "resources"), "limits");
  for (const { key, keyAt, value } of entries(limits)) {
    if (key === "cpu" || key === "memory") continue;
    const message = "resource that wherry does not support yet, should be cpu or memory";
    complain({ ...value, path: join(limits?.path ?? "", key) }, { code: "unsupported-field", message, hint: didYouMean(key, ["cpu", "memory"]) }, keyAt);
  }
  return { limits: { ...present("cpu", quantityText(field(limits, "cpu"), "cores")), ...present("memory", quantityText(field(limits, "memory"), "bytes")) } };
}
