/** A container of a pod. */
import { CONTAINER_RESTART_POLICIES, containerName, PULL_POLICIES, TERMINATION_MESSAGE_POLICIES, type Container, type RestartRule } from "../spec/spec.ts";
import { complain, complainMissing, entries, field, flag, items, number, text, type Cursor } from "./cursor.ts";
import { readEnvFrom, readEnvVar } from "./env.ts";
import { IMAGE } from "./image.ts";
import { readDevices, readMounts } from "./mounts.ts";
import { readPorts, type PortOptions } from "./ports.ts";
import { present } from "./present.ts";
import { readProbes } from "./probes.ts";
import { readResources } from "./resources.ts";
import { optionalText, requiredText, RULES } from "./rules.ts";
import { readSecurity } from "./security.ts";
import { quoted } from "./tree.ts";
import type { VolumeUse } from "./volumes.ts";

export interface ContainerOptions extends PortOptions {
  /** The pod's volumes. */
  readonly volumes: readonly VolumeUse[];
  /** The pod has no user namespace of its own. */
  readonly hostUsers: boolean;
}

/** Reads a container; undefined when it has no usable name or image (and that is noted). */
export function readContainer(cursor: Cursor, options: ContainerOptions): Container | undefined {
  const name = requiredText(cursor, "name", RULES.label);
  const image = requiredText(cursor, "image", RULES.image);
  const policy = text(field(cursor, "imagePullPolicy"));
  const ports = readPorts(cursor, options);
  if (options.init) checkInit(cursor);
  const rest = {
    ...present("command", readWords(cursor, "command")),
    ...present("args", readWords(cursor, "args")),
    ...present("workingDir", optionalText(cursor, "workingDir", RULES.absolutePath)),
    env: items(field(cursor, "env")).map((item) => readEnvVar(item, options)).filter((entry) => entry !== undefined),
    envFrom: items(field(cursor, "envFrom")).map(readEnvFrom).filter((entry) => entry !== undefined),
    ports,
    volumeMounts: readMounts(cursor, options.volumes),
    ...present("volumeDevices", readDevices(cursor, options.volumes)),
    resources: readResources(cursor),
    ...readRestart(cursor),
    ...readProbes(cursor, { ports: ports.flatMap((port) => port.name ?? []) }),
    ...present("terminationMessagePath", optionalText(cursor, "terminationMessagePath", RULES.absolutePath)),
    ...present("terminationMessagePolicy", TERMINATION_MESSAGE_POLICIES.find((known) => known === text(field(cursor, "terminationMessagePolicy")))),
    ...present("securityContext", readSecurity(field(cursor, "securityContext"), options)),
    ...present("stdin", flag(field(cursor, "stdin"))),
    ...present("stdinOnce", flag(field(cursor, "stdinOnce"))),
    ...present("tty", flag(field(cursor, "tty"))),
  };
  if (name === undefined || image === undefined) return undefined;
  const imagePullPolicy = PULL_POLICIES.find((known) => known === policy) ?? (IMAGE.isMoving(image) ? "Always" : "IfNotPresent");
  return { name: containerName(name), image, imagePullPolicy, ...rest };
}

/** What belongs to containers that go on running, sidecars among them (core/v1 `validateInitContainers`). */
function checkInit(cursor: Cursor): void {
  if (text(field(cursor, "restartPolicy")) === "Always") return;
  for (const { key, keyAt, value } of entries(cursor)) {
    if (!["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"].includes(key)) continue;
    complain(value, { code: "value", message: "is given, should not be: an init container ends before the others start", hint: "restartPolicy: Always makes it a sidecar" }, keyAt);
  }
}

function readRestart(cursor: Cursor): Pick<Container, "restartPolicy" | "restartPolicyRules"> {
  const restartPolicy = CONTAINER_RESTART_POLICIES.find((known) => known === text(field(cursor, "restartPolicy")));
  const list = field(cursor, "restartPolicyRules");
  if (list !== undefined && restartPolicy === undefined) complainMissing(cursor, "restartPolicy", "should be given with restartPolicyRules");
  const rules = items(list).map(readRule).filter((rule) => rule !== undefined);
  return { ...present("restartPolicy", restartPolicy), ...present("restartPolicyRules", rules.length === 0 ? undefined : rules) };
}

function readRule(cursor: Cursor): RestartRule | undefined {
  const at = field(cursor, "action");
  const action = text(at);
  if (action !== "Restart" && action !== "RestartAllContainers") {
    if (at === undefined) complainMissing(cursor, "action", 'should be "Restart"');
    else complain(at, { code: "value", message: `is ${quoted(action ?? "")}, should be "Restart" or "RestartAllContainers"` });
    return undefined;
  }
  const codes = field(cursor, "exitCodes");
  const operator = text(field(codes, "operator"));
  if (codes === undefined) complainMissing(cursor, "exitCodes");
  if (codes === undefined || (operator !== "In" && operator !== "NotIn")) return undefined;
  return { action, exitCodes: { operator, values: items(field(codes, "values")).flatMap((item) => number(item) ?? []) } };
}

/** A list of words; an empty one is the same as none. */
function readWords(cursor: Cursor, name: string): readonly string[] | undefined {
  const words = items(field(cursor, name)).map((item) => text(item) ?? "");
  return words.length === 0 ? undefined : words;
}
