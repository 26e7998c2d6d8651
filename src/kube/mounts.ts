/** Mounts and devices of a container: places of the pod's volumes in it. */
import { posix } from "node:path";
import { MOUNT_PROPAGATIONS, RECURSIVE_READ_ONLY, type VolumeDevice, type VolumeMount } from "../spec/spec.ts";
import { complain, field, flag, items, text, type Cursor } from "./cursor.ts";
import { present } from "./present.ts";
import { optionalText, requiredText, RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { quoted } from "./tree.ts";
import type { VolumeUse } from "./volumes.ts";

/** The mounts of a container. */
export function readMounts(container: Cursor, volumes: readonly VolumeUse[]): readonly VolumeMount[] {
  const taken = new Set<string>();
  return items(field(container, "volumeMounts")).flatMap((cursor) => {
    const mount = readMount(cursor);
    const name = field(cursor, "name");
    const place = field(cursor, "mountPath");
    if (mount === undefined || name === undefined || place === undefined) return [];
    checkName(name, mount.name, volumes);
    if (taken.has(mount.mountPath)) complain(place, { code: "duplicate", message: `mount path ${quoted(mount.mountPath)} is used twice in one container` });
    taken.add(mount.mountPath);
    checkPropagation(container, cursor, mount);
    return [mount];
  });
}

function checkName(at: Cursor, name: string, volumes: readonly VolumeUse[]): void {
  const names = volumes.map((volume) => volume.name);
  if (!names.includes(name)) complain(at, { code: "reference", message: `is ${quoted(name)}, should be a volume of the pod`, hint: didYouMean(name, names) });
}

/** A relative mount path is below `/`, as the kubelet reads it. */
function readMount(cursor: Cursor): VolumeMount | undefined {
  const name = requiredText(cursor, "name");
  const mountPath = requiredText(cursor, "mountPath", RULES.mountPath);
  const subPath = optionalText(cursor, "subPath", RULES.descendingPath);
  const subPathExpr = optionalText(cursor, "subPathExpr", RULES.descendingPath);
  const second = field(cursor, "subPathExpr");
  if (subPath !== undefined && subPathExpr !== undefined && second !== undefined) complain(second, { code: "value", message: "is given as well as subPath, should be one of them" });
  if (name === undefined || mountPath === undefined) return undefined;
  return {
    name,
    mountPath: posix.join("/", mountPath).replace(/(?<=.)\/$/, ""),
    readOnly: flag(field(cursor, "readOnly")) ?? false,
    ...present("recursiveReadOnly", RECURSIVE_READ_ONLY.find((known) => known === text(field(cursor, "recursiveReadOnly")))),
    ...present("mountPropagation", MOUNT_PROPAGATIONS.find((known) => known === text(field(cursor, "mountPropagation")))),
    ...present("subPath", subPath),
    ...present("subPathExpr", subPathExpr),
  };
}

/** core/v1 `ValidateVolumeMounts`. */
function checkPropagation(container: Cursor, cursor: Cursor, { mountPropagation, recursiveReadOnly, readOnly }: VolumeMount): void {
  const propagation = field(cursor, "mountPropagation");
  const recursive = field(cursor, "recursiveReadOnly");
  const privileged = flag(field(field(container, "securityContext"), "privileged")) === true;
  if (propagation !== undefined && mountPropagation === "Bidirectional" && !privileged) complain(propagation, { code: "value", message: "is Bidirectional, should be so in privileged containers only" });
  if (recursive === undefined || recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return;
  if (!readOnly) complain(recursive, { code: "value", message: `is ${recursiveReadOnly}, should be with readOnly: true only` });
  if (mountPropagation !== undefined && mountPropagation !== "None") complain(recursive, { code: "value", message: `is ${recursiveReadOnly}, should be with mountPropagation None only` });
}

/** Claims of mode Block that the container sees as devices; undefined when there are none. */
export function readDevices(container: Cursor, volumes: readonly VolumeUse[]): readonly VolumeDevice[] | undefined {
  const taken = new Set<string>();
  const devices = items(field(container, "volumeDevices")).flatMap((cursor) => {
    const name = requiredText(cursor, "name");
    const devicePath = requiredText(cursor, "devicePath", RULES.mountPath);
    const [nameAt, pathAt] = [field(cursor, "name"), field(cursor, "devicePath")];
    if (name === undefined || devicePath === undefined || nameAt === undefined || pathAt === undefined) return [];
    checkName(nameAt, name, volumes);
    const source = volumes.find((volume) => volume.name === name)?.source;
    if (source !== undefined && source !== "persistentVolumeClaim" && source !== "ephemeral") complain(nameAt, { code: "reference", message: `is ${quoted(name)}, should be a volume with a claim` });
    if (taken.has(devicePath)) complain(pathAt, { code: "duplicate", message: `device path ${quoted(devicePath)} is used twice in one container` });
    taken.add(devicePath);
    return [{ name, devicePath }];
  });
  return devices.length === 0 ? undefined : devices;
}
