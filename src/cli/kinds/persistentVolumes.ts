/** PersistentVolumes: those that claims have, and those of played manifests that none has. They are in no namespace. */
import type { PersistentVolume } from "../../spec/spec.ts";
import type { ClaimRecord } from "../../state/state.ts";
import { age } from "../age.ts";
import { byName, type Item, type Kind } from "../item.ts";
import { columns } from "../print.ts";
import { playedObjects } from "./played.ts";
import { shortModes, volumeObject } from "./volumeObjects.ts";

export const kind: Kind = {
  columns: columns("NAME,CAPACITY,ACCESS MODES,RECLAIM POLICY,STATUS,CLAIM,STORAGECLASS,AGE|VOLUMEMODE"),
  clustered: true,
  async read(context) {
    const claims = (await context.engine.durable()).claims.all();
    const taken = new Set(claims.map(({ volume }) => volume.metadata.name));
    const free = (await playedObjects(context, undefined)).flatMap(({ object, playedAt }) => (object.kind === "PersistentVolume" && !taken.has(object.metadata.name) ? [{ volume: object, playedAt }] : []));
    const now = context.now();
    return [...claims.map((claim) => item(claim.volume, { claim, playedAt: claim.boundAt, now })), ...free.map(({ volume, playedAt }) => item(volume, { claim: undefined, playedAt, now }))].toSorted(byName);
  },
};

function item(volume: PersistentVolume, { claim, playedAt, now }: { readonly claim: ClaimRecord | undefined; readonly playedAt: number; readonly now: number }): Item {
  const { name, labels } = volume.metadata;
  const { capacity, accessModes, persistentVolumeReclaimPolicy, storageClassName, volumeMode } = volume.spec;
  const owner = claim === undefined ? "" : `${claim.claim.metadata.namespace}/${claim.claim.metadata.name}`;
  const cells = [name, capacity.storage, shortModes(accessModes), persistentVolumeReclaimPolicy, claim === undefined ? "Available" : "Bound", owner, storageClassName, age(playedAt, now), volumeMode];
  return { name, namespace: "", labels, cells, object: () => volumeObject(volume, claim, playedAt) };
}
