/** PersistentVolumeClaims, with kubectl's columns: those that are bound, also when no service has them any more. */
import type { ClaimRecord } from "../../state/state.ts";
import { age } from "../age.ts";
import { byName, type Item, type Kind } from "../item.ts";
import { columns } from "../print.ts";
import { claimObject, shortModes } from "./volumeObjects.ts";

export const kind: Kind = {
  columns: columns("NAME,STATUS,VOLUME,CAPACITY,ACCESS MODES,STORAGECLASS,AGE|VOLUMEMODE"),
  async read(context, { namespace }) {
    const all = (await context.engine.durable()).claims.all();
    return all.filter(({ claim }) => namespace === undefined || claim.metadata.namespace === namespace).map((record) => item(record, context.now())).toSorted(byName);
  },
};

function item(record: ClaimRecord, now: number): Item {
  const { name, namespace, labels } = record.claim.metadata;
  const { metadata, spec } = record.volume;
  const status = record.phase === "Bound" ? "Bound" : "Terminating";
  const cells = [name, status, metadata.name, spec.capacity.storage, shortModes(spec.accessModes), spec.storageClassName, age(record.boundAt, now), spec.volumeMode];
  return { name, namespace, labels, cells, object: () => claimObject(record) };
}
