/** Volumes of a pod. */
import { HOST_PATH_TYPES, PULL_POLICIES, type ConfigVolume, type EmptyDir, type KeyToPath, type Projection, type Volume } from "../spec/spec.ts";
import { onlyOne, refer } from "./choice.ts";
import { readClaimTemplate } from "./claimSpec.ts";
import { complain, entries, field, flag, items, text, type Cursor, type Reference } from "./cursor.ts";
import { readDownwardFiles } from "./downward.ts";
import { IMAGE } from "./image.ts";
import { readMode } from "./mode.ts";
import { present } from "./present.ts";
import { quantityText, requiredText, RULES } from "./rules.ts";
import { isNull, quoted } from "./tree.ts";

const SOURCES = ["emptyDir", "hostPath", "configMap", "secret", "downwardAPI", "projected", "persistentVolumeClaim", "ephemeral", "image"] as const;
type Source = (typeof SOURCES)[number];
const DEFAULT_MODE = 0o644;

/** A volume as its pod's containers use it. */
export interface VolumeUse {
  readonly name: string;
  readonly source: Source;
}

/** Names and sources of volumes that may still be wrong otherwise. */
export function volumeUses(volumes: readonly Cursor[]): readonly VolumeUse[] {
  return volumes.flatMap((cursor) => {
    const name = text(field(cursor, "name"));
    return name === undefined ? [] : [{ name, source: SOURCES.find((source) => field(cursor, source) !== undefined) ?? "emptyDir" }];
  });
}

/** One volume; undefined when it is wrong (and noted). A volume without a source is an emptyDir, as in Kubernetes. */
export function readVolume(cursor: Cursor): Volume | undefined {
  const name = requiredText(cursor, "name", RULES.label);
  if (hasEmptySource(cursor) || name === undefined) return undefined;
  if (SOURCES.every((source) => field(cursor, source) === undefined)) return { name, emptyDir: {} };
  const source = onlyOne(cursor, SOURCES);
  const read = source === undefined ? undefined : READERS[source.name](source.cursor);
  return read === undefined ? undefined : { name, ...read };
}

/** `configMap:` with nothing after it: Kubernetes would make an emptyDir of it, which nobody means. */
function hasEmptySource(cursor: Cursor): boolean {
  const empty = entries(cursor).filter(({ key, value }) => SOURCES.some((source) => source === key && source !== "emptyDir") && isNull(value.node));
  for (const { keyAt, value } of empty) complain(value, { code: "required", message: "is empty, should say what the volume holds" }, keyAt);
  return empty.length > 0;
}

type SourceOf<V> = V extends unknown ? Omit<V, "name"> : never;

const READERS: Readonly<Record<Source, (cursor: Cursor) => SourceOf<Volume> | undefined>> = {
  emptyDir: (cursor) => ({ emptyDir: readEmptyDir(cursor) }),
  hostPath(cursor) {
    const path = requiredText(cursor, "path", RULES.hostPath);
    const type = HOST_PATH_TYPES.find((known) => known === text(field(cursor, "type"))) ?? "";
    return path === undefined ? undefined : { hostPath: { path, type } };
  },
  configMap(cursor) {
    const name = requiredText(cursor, "name", RULES.subdomain);
    const rest = readConfig(cursor, "ConfigMap", name);
    return name === undefined ? undefined : { configMap: { name, ...rest, defaultMode: defaultMode(cursor) } };
  },
  secret(cursor) {
    const secretName = requiredText(cursor, "secretName", RULES.subdomain);
    const rest = readConfig(cursor, "Secret", secretName);
    return secretName === undefined ? undefined : { secret: { secretName, ...rest, defaultMode: defaultMode(cursor) } };
  },
  downwardAPI: (cursor) => ({ downwardAPI: { items: readDownwardFiles(cursor), defaultMode: defaultMode(cursor) } }),
  projected: (cursor) => ({ projected: { sources: items(field(cursor, "sources")).flatMap((source) => readProjection(source) ?? []), defaultMode: defaultMode(cursor) } }),
  persistentVolumeClaim(cursor) {
    const claimName = requiredText(cursor, "claimName", RULES.subdomain);
    if (claimName !== undefined) refer(cursor, { kind: "PersistentVolumeClaim", name: claimName, keys: [] });
    return claimName === undefined ? undefined : { persistentVolumeClaim: { claimName, readOnly: flag(field(cursor, "readOnly")) ?? false } };
  },
  ephemeral(cursor) {
    const volumeClaimTemplate = readClaimTemplate(cursor);
    return volumeClaimTemplate === undefined ? undefined : { ephemeral: { volumeClaimTemplate } };
  },
  image(cursor) {
    const reference = requiredText(cursor, "reference", RULES.image);
    const policy = PULL_POLICIES.find((known) => known === text(field(cursor, "pullPolicy")));
    return reference === undefined ? undefined : { image: { reference, pullPolicy: policy ?? (IMAGE.isMoving(reference) ? "Always" : "IfNotPresent") } };
  },
};

const MEDIUM = /^(|Memory|HugePages(-\d+[KMG]i)?)$/;

function readEmptyDir(cursor: Cursor): EmptyDir {
  const found = field(cursor, "medium");
  const medium = text(found);
  if (found !== undefined && medium !== undefined && !MEDIUM.test(medium)) complain(found, { code: "value", message: `is ${quoted(medium)}, should be "", "Memory", "HugePages" or "HugePages-SIZE" such as HugePages-2Mi` });
  return { ...present("medium", medium), ...present("sizeLimit", quantityText(field(cursor, "sizeLimit"), "bytes")) };
}

const defaultMode = (cursor: Cursor): number => readMode(cursor, "defaultMode") ?? DEFAULT_MODE;

function readConfig(cursor: Cursor, kind: Reference["kind"], name: string | undefined): Omit<ConfigVolume, "defaultMode"> {
  const optional = flag(field(cursor, "optional")) ?? false;
  const list = items(field(cursor, "items")).flatMap((at) => {
    const item = readItem(at);
    return item === undefined ? [] : [{ at, item }];
  });
  if (name !== undefined && !optional) refer(cursor, { kind, name, keys: list.map(({ at, item: { key } }) => ({ key, at })) });
  return { ...(list.length === 0 ? {} : { items: list.map(({ item }) => item) }), optional };
}

function readItem(cursor: Cursor): KeyToPath | undefined {
  const key = requiredText(cursor, "key", RULES.configKey);
  const path = requiredText(cursor, "path", RULES.itemPath);
  const mode = readMode(cursor, "mode");
  return key === undefined || path === undefined ? undefined : { key, path, ...present("mode", mode) };
}

function readProjection(cursor: Cursor): Projection | undefined {
  const source = onlyOne(cursor, ["configMap", "secret", "downwardAPI"]);
  if (source === undefined) return undefined;
  if (source.name === "downwardAPI") return { downwardAPI: { items: readDownwardFiles(source.cursor) } };
  const name = requiredText(source.cursor, "name", RULES.subdomain);
  const rest = readConfig(source.cursor, source.name === "configMap" ? "ConfigMap" : "Secret", name);
  if (name === undefined) return undefined;
  return source.name === "configMap" ? { configMap: { name, ...rest } } : { secret: { name, ...rest } };
}
