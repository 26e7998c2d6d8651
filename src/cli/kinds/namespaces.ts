/** Namespaces: `default`, those of played manifests, and those that pods, objects and claims are in without one. They are in no namespace. */
import { objectMeta } from "../../pod/status.ts";
import { CLUSTER, type NamespaceObject } from "../../spec/spec.ts";
import { age } from "../age.ts";
import type { Context } from "../context.ts";
import { byName, type Item, type Kind } from "../item.ts";
import { columns } from "../print.ts";

export interface NamespaceUse {
  /** As it was declared last; of one that only is used, what it would be. */
  readonly object: NamespaceObject;
  /** Since when it is there, as far as that is recorded; 0 when it is not. */
  readonly since: number;
  /** Services that declare it or have something in it. */
  readonly services: readonly string[];
}

export const kind: Kind = {
  columns: columns("NAME,STATUS,AGE"),
  clustered: true,
  async read(context) {
    return (await namespaces(context)).map((use) => item(use, context.now())).toSorted(byName);
  },
};

function item(use: NamespaceUse, now: number): Item {
  const { name } = use.object.metadata;
  return { name, namespace: "", labels: labelsOf(use.object), cells: [name, "Active", age(use.since, now)], object: () => namespaceObject(use) };
}

/** One sign that a namespace is there. */
interface Sign {
  readonly name: string;
  readonly service: string;
  readonly at: number;
  readonly declared?: NamespaceObject;
}

/** All that there are, in no order. */
export async function namespaces(context: Context): Promise<readonly NamespaceUse[]> {
  const signs = Map.groupBy([{ name: "default", service: "", at: 0 }, ...(await signsOf(context))], ({ name }) => name);
  return [...signs].map(([name, found]) => {
    const last = found.filter(({ declared }) => declared !== undefined).toSorted((one, other) => other.at - one.at)[0];
    const times = found.flatMap(({ at }) => (at === 0 ? [] : [at]));
    return { object: last?.declared ?? undeclared(name), since: times.length === 0 ? 0 : Math.min(...times), services: [...new Set(found.map(({ service }) => service))].filter((service) => service !== "").toSorted() };
  });
}

async function signsOf(context: Context): Promise<readonly Sign[]> {
  const [durable, runtime] = [await context.engine.durable(), await context.engine.runtime()];
  const playedAt = new Map(durable.services().map((service) => [service.name, service.playedAt]));
  const objects = durable.objects().map(({ object, service }): Sign => {
    const at = playedAt.get(service) ?? 0;
    return object.kind === "Namespace" ? { name: object.metadata.name, service, at, declared: object } : { name: object.metadata.namespace, service, at };
  });
  const pods = runtime.pods().map(({ pod, service, createdAt }): Sign => ({ name: pod.metadata.namespace, service, at: createdAt }));
  const claims = durable.claims.all().map(({ claim, service, boundAt }): Sign => ({ name: claim.metadata.namespace, service, at: boundAt }));
  return [...objects, ...pods, ...claims].filter(({ name }) => name !== CLUSTER);
}

const undeclared = (name: string): NamespaceObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name, namespace: CLUSTER, labels: {}, annotations: {} } });

/** With the label that every namespace has. */
export const labelsOf = ({ metadata: { name, labels } }: NamespaceObject): Readonly<Record<string, string>> => ({ ...labels, "kubernetes.io/metadata.name": name });

function namespaceObject({ object, since }: NamespaceUse): unknown {
  const { namespace: _, ...metadata } = objectMeta({ ...object.metadata, labels: labelsOf(object) }, { createdAt: since });
  return { apiVersion: "v1", kind: "Namespace", metadata, status: { phase: "Active" } };
}
