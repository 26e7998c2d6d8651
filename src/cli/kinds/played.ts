/** Objects that are nothing but what was played: ConfigMaps and Secrets. Their age is that of the last play that changed the service. */
import { kubernetesForm, objectMeta } from "../../pod/status.ts";
import type { KubeObject } from "../../spec/spec.ts";
import type { Context } from "../context.ts";

export interface Played {
  readonly object: KubeObject;
  readonly playedAt: number;
}

/** All played objects of a namespace, or of all. */
export async function playedObjects(context: Context, namespace: string | undefined): Promise<readonly Played[]> {
  const state = await context.engine.durable();
  const playedAt = new Map(state.services().map((service) => [service.name, service.playedAt]));
  return state
    .objects()
    .filter(({ object }) => namespace === undefined || object.metadata.namespace === namespace)
    .map(({ object, service }) => ({ object, playedAt: playedAt.get(service) ?? 0 }));
}

/** The object as the API prints it: empty `data` and `binaryData` are left out. */
export function storedObject(object: KubeObject, playedAt: number): Readonly<Record<string, unknown>> {
  const { metadata, ...rest } = object;
  const filled = Object.entries(rest).filter(([, value]) => typeof value !== "object" || Object.keys(value).length > 0);
  const { apiVersion, kind, ...body } = kubernetesForm(Object.fromEntries(filled));
  return { apiVersion, kind, metadata: objectMeta(metadata, { createdAt: playedAt }), ...body };
}
