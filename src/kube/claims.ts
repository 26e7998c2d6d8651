/** PersistentVolumeClaims, and the PersistentVolumes that satisfy them. */
import { RECLAIM_POLICIES, HOST_PATH_TYPES, type PersistentVolume, type PersistentVolumeClaim } from "../spec/spec.ts";
import { onlyOne } from "./choice.ts";
import { readAccessModes, readClaimSpec } from "./claimSpec.ts";
import { complainMissing, field, text, type Cursor } from "./cursor.ts";
import { readClusterMeta, readMeta } from "./metadata.ts";
import { present } from "./present.ts";
import { quantityText, requiredText, RULES } from "./rules.ts";

/** Reads a claim; undefined when it cannot be one (and that is noted). */
export function readClaim(object: Cursor): PersistentVolumeClaim | undefined {
  const metadata = readMeta(object, { name: String });
  const spec = field(object, "spec");
  if (spec === undefined) complainMissing(object, "spec");
  const read = spec === undefined ? undefined : readClaimSpec(spec);
  return metadata === undefined || read === undefined ? undefined : { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata, spec: read };
}

/** Reads a volume; undefined when it cannot be one (and that is noted). */
export function readPersistentVolume(object: Cursor): PersistentVolume | undefined {
  const metadata = readClusterMeta(object, "a PersistentVolume");
  const spec = field(object, "spec");
  if (spec === undefined) complainMissing(object, "spec");
  const read = spec === undefined ? undefined : readVolumeSpec(spec);
  return metadata === undefined || read === undefined ? undefined : { apiVersion: "v1", kind: "PersistentVolume", metadata, spec: read };
}

function readVolumeSpec(spec: Cursor): PersistentVolume["spec"] | undefined {
  const accessModes = readAccessModes(spec);
  const size = field(field(spec, "capacity"), "storage");
  const storage = quantityText(size, "bytes");
  if (size === undefined) complainMissing({ ...spec, path: `${spec.path}.capacity` }, "storage", "should be the size of the volume, such as 1Gi");
  const source = readSource(spec);
  if (storage === undefined || source === undefined) return undefined;
  const policy = text(field(spec, "persistentVolumeReclaimPolicy"));
  return {
    accessModes,
    capacity: { storage },
    volumeMode: text(field(spec, "volumeMode")) === "Block" ? "Block" : "Filesystem",
    storageClassName: text(field(spec, "storageClassName")) ?? "",
    persistentVolumeReclaimPolicy: RECLAIM_POLICIES.find((known) => known === policy) ?? "Retain",
    ...present("claimRef", readClaimRef(field(spec, "claimRef"))),
    ...source,
  };
}

type Source = Pick<Extract<PersistentVolume["spec"], { hostPath: unknown }>, "hostPath"> | Pick<Extract<PersistentVolume["spec"], { local: unknown }>, "local">;

function readSource(spec: Cursor): Source | undefined {
  const source = onlyOne(spec, ["hostPath", "local"]);
  const path = source === undefined ? undefined : requiredText(source.cursor, "path", RULES.hostPath);
  if (source === undefined || path === undefined) return undefined;
  if (source.name === "local") return { local: { path } };
  return { hostPath: { path, type: HOST_PATH_TYPES.find((known) => known === text(field(source.cursor, "type"))) ?? "" } };
}

function readClaimRef(cursor: Cursor | undefined): PersistentVolume["spec"]["claimRef"] {
  if (cursor === undefined) return undefined;
  const name = requiredText(cursor, "name", RULES.subdomain);
  return name === undefined ? undefined : { namespace: text(field(cursor, "namespace")) ?? "default", name };
}
