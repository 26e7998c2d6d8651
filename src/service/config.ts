/** The ConfigMaps and Secrets of a service, as its pods see them: read from the durable record when asked. */
import type { ConfigSource } from "../pod/pod.ts";
import type { ConfigMap, KubeObject } from "../spec/spec.ts";
import type { DurableState } from "../state/state.ts";

export function configSource(durable: DurableState, service: string): ConfigSource {
  const objects = (namespace: string): readonly KubeObject[] =>
    durable.objects(service).map(({ object }) => object).filter(({ metadata }) => metadata.namespace === namespace);
  return {
    configMaps: (namespace) => objects(namespace).filter(isConfigMap),
    secrets: (namespace) => durable.secrets(service).filter(({ metadata }) => metadata.namespace === namespace),
  };
}

const isConfigMap = (object: KubeObject): object is ConfigMap => object.kind === "ConfigMap";
