/** ConfigMaps of all services. */
import type { ConfigMap } from "../../spec/spec.ts";
import { age } from "../age.ts";
import { byName, type Item, type Kind } from "../item.ts";
import { columns } from "../print.ts";
import { playedObjects, storedObject } from "./played.ts";

export const kind: Kind = {
  columns: columns("NAME,DATA,AGE"),
  async read(context, { namespace }) {
    const played = await playedObjects(context, namespace);
    return played.flatMap(({ object, playedAt }) => (object.kind === "ConfigMap" ? [item(object, playedAt, context.now())] : [])).toSorted(byName);
  },
};

function item(map: ConfigMap, playedAt: number, now: number): Item {
  const { name, namespace, labels } = map.metadata;
  const keys = Object.keys(map.data).length + Object.keys(map.binaryData).length;
  return { name, namespace, labels, cells: [name, `${keys}`, age(playedAt, now)], object: () => storedObject(map, playedAt) };
}
