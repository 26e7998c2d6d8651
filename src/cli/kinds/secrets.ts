/**
 * Secrets without their values. What is printed is still a Secret: every key is there with an empty value, and the
 * annotation `wherry/data-bytes` says how many bytes each value has (`password=12,user=5`). Playing it back would
 * empty the Secret, so it cannot be mistaken for a copy.
 */
import type { Secret } from "../../spec/spec.ts";
import { age } from "../age.ts";
import { byName, type Item, type Kind } from "../item.ts";
import { columns } from "../print.ts";
import { playedObjects, storedObject } from "./played.ts";

export const SIZES = "wherry/data-bytes";

export const kind: Kind = {
  columns: columns("NAME,TYPE,DATA,AGE|BYTES"),
  async read(context, { namespace }) {
    const played = await playedObjects(context, namespace);
    return played.flatMap(({ object, playedAt }) => (object.kind === "Secret" ? [item(object, playedAt, context.now())] : [])).toSorted(byName);
  },
};

function item(secret: Secret, playedAt: number, now: number): Item {
  const { name, namespace, labels } = secret.metadata;
  const keys = Object.keys(secret.data).length;
  const cells = [name, secret.type, `${keys}`, age(playedAt, now), sizes(secret) || "<none>"];
  return { name, namespace, labels, cells, object: () => storedObject(hidden(secret), playedAt) };
}

/** The Secret with empty values and the annotation of their sizes. */
export function hidden(secret: Secret): Secret {
  const annotations = { ...secret.metadata.annotations, [SIZES]: sizes(secret) };
  return { ...secret, metadata: { ...secret.metadata, annotations }, data: Object.fromEntries(Object.keys(secret.data).map((key) => [key, ""])) };
}

const sizes = (secret: Secret): string =>
  Object.entries(secret.data)
    .map(([key, value]) => `${key}=${Buffer.from(value, "base64").length}`)
    .join(",");
