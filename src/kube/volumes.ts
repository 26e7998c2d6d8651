/** Volumes of a pod and their mounts in a container. */
import { posix } from "node:path";
import { HOST_PATH_TYPES, type ConfigVolume, type KeyToPath, type Volume, type VolumeMount } from "../spec/spec.ts";
import { complain, entries, field, flag, items, number, text, type Cursor, type Reference } from "./cursor.ts";
import { onlyOne, refer } from "./env.ts";
import { present } from "./present.ts";
import { optionalText, quantityText, requiredText, RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { isNull, quoted } from "./tree.ts";

const SOURCES = ["emptyDir", "hostPath", "configMap", "secret"] as const;
const DEFAULT_MODE = 0o644;

/** One volume; undefined when it is wrong (and noted). A volume without a source is an emptyDir, as in Kubernetes. */
export function readVolume(cursor: Cursor): Volume | undefined {
  const name = requiredText(cursor, "name", RULES.label);
  if (hasEmptySource(cursor) || name === undefined) return undefined;
  if (SOURCES.every((source) => field(cursor, source) === undefined)) return { name, emptyDir: {} };
  const source = onlyOne(cursor, SOURCES);
  return source === undefined ? undefined : readSource(name, source);
}

/** `configMap:` with nothing after it: Kubernetes would make an emptyDir of it, which nobody means. */
function hasEmptySource(cursor: Cursor): boolean {
  const empty = entries(cursor).filter(({ key, value }) => SOURCES.some((source) => source === key && source !== "emptyDir") && isNull(value.node));
  for (const { keyAt, value } of empty) complain(value, { code: "required", message: "is empty, should say what the volume holds" }, keyAt);
  return empty.length > 0;
}

function readSource(name: string, { name: source, cursor }: { readonly name: (typeof SOURCES)[number]; readonly cursor: Cursor }): Volume | undefined {
  switch (source) {
    case "emptyDir":
      return { name, emptyDir: readEmptyDir(cursor) };
    case "hostPath": {
      const path = requiredText(cursor, "path", RULES.hostPath);
      const type = HOST_PATH_TYPES.find((known) => known === text(field(cursor, "type"))) ?? "";
      return path === undefined ? undefined : { name, hostPath: { path, type } };
    }
    case "configMap": {
      const configMap = requiredText(cursor, "name", RULES.subdomain);
      const rest = readConfigVolume(cursor, "ConfigMap", configMap);
      return configMap === undefined ? undefined : { name, configMap: { name: configMap, ...rest } };
    }
    case "secret": {
      const secretName = requiredText(cursor, "secretName", RULES.subdomain);
      const rest = readConfigVolume(cursor, "Secret", secretName);
      return secretName === undefined ? undefined : { name, secret: { secretName, ...rest } };
    }
  }
}

function readEmptyDir(cursor: Cursor): { readonly medium?: "" | "Memory"; readonly sizeLimit?: string } {
  const found = field(cursor, "medium");
  const medium = text(found);
  const known = medium === "" || medium === "Memory" ? medium : undefined;
  if (found !== undefined && medium !== undefined && known === undefined) complain(found, { code: "value", message: `is ${quoted(medium)}, should be "" or "Memory"` });
  return { ...present<"medium", "" | "Memory">("medium", known), ...present("sizeLimit", quantityText(field(cursor, "sizeLimit"), "bytes")) };
}

function readConfigVolume(cursor: Cursor, kind: Reference["kind"], name: string | undefined): ConfigVolume {
  const optional = flag(field(cursor, "optional")) ?? false;
  const list = items(field(cursor, "items")).flatMap((at) => {
    const item = readItem(at);
    return item === undefined ? [] : [{ at, item }];
  });
  if (name !== undefined && !optional) refer(cursor, { kind, name, keys: list.map(({ at, item: { key } }) => ({ key, at })) });
  return { ...(list.length === 0 ? {} : { items: list.map(({ item }) => item) }), defaultMode: readMode(cursor, "defaultMode") ?? DEFAULT_MODE, optional };
}

function readItem(cursor: Cursor): KeyToPath | undefined {
  const key = requiredText(cursor, "key", RULES.configKey);
  const path = requiredText(cursor, "path", RULES.itemPath);
  const mode = readMode(cursor, "mode");
  return key === undefined || path === undefined ? undefined : { key, path, ...present("mode", mode) };
}

/** Permission bits: `0644` in YAML, 420 in JSON. */
function readMode(cursor: Cursor, name: string): number | undefined {
  const found = field(cursor, name);
  const mode = number(found);
  if (found === undefined || mode === undefined || (mode >= 0 && mode <= 0o777)) return mode;
  const written = found.node.kind === "scalar" ? (found.node.written ?? String(mode)) : "";
  const octal = /^[0-7]{3}$/.test(written) ? `did you mean 0${written}?` : undefined;
  complain(found, { code: "value", message: `is ${mode}, should be permission bits from 0 to 0777 (511)`, hint: octal });
  return undefined;
}

/** The mounts of a container. `volumes` are the names that the pod declares. */
export function readMounts(container: Cursor, volumes: readonly string[]): readonly VolumeMount[] {
  const taken = new Set<string>();
  return items(field(container, "volumeMounts")).flatMap((cursor) => {
    const mount = readMount(cursor);
    const name = field(cursor, "name");
    const place = field(cursor, "mountPath");
    if (mount === undefined || name === undefined || place === undefined) return [];
    if (!volumes.includes(mount.name)) complain(name, { code: "reference", message: `is ${quoted(mount.name)}, should be a volume of the pod`, hint: didYouMean(mount.name, volumes) });
    if (taken.has(mount.mountPath)) complain(place, { code: "duplicate", message: `mount path ${quoted(mount.mountPath)} is used twice in one container` });
    taken.add(mount.mountPath);
    return [mount];
  });
}

/** A relative mount path is below `/`, as the kubelet reads it. */
function readMount(cursor: Cursor): VolumeMount | undefined {
  const name = requiredText(cursor, "name");
  const mountPath = requiredText(cursor, "mountPath", RULES.mountPath);
  const subPath = optionalText(cursor, "subPath", RULES.descendingPath);
  if (name === undefined || mountPath === undefined) return undefined;
  const absolute = posix.join("/", mountPath).replace(/(?<=.)\/$/, "");
  return { name, mountPath: absolute, readOnly: flag(field(cursor, "readOnly")) ?? false, ...present("subPath", subPath) };
}
