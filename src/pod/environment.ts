/** The environment of one container, with what it takes from the pod's own fields, volumes and configuration. */
import { fail } from "../base/errors.ts";
import { type Environment, resolveEnvironment } from "../container/environment.ts";
import { kubernetesVariables } from "../container/serviceVariables.ts";
import type { Container } from "../spec/spec.ts";
import { reservedAddress } from "../state/addresses.ts";
import type { PodRecord } from "../state/state.ts";
import { readBelow } from "../storage/readBelow.ts";
import { RESOLVE } from "../storage/syscalls.ts";
import { allocatableOf, factsOf } from "./facts.ts";
import type { ConfigSource, PodHost } from "./pod.ts";
import { volumeDirectory } from "./volumes.ts";

/** A container's file must not make us read for ever (the kubelet's limit for a line of it). */
const LARGEST = 64 * 1024;

/** Kind `invalid`, in the kubelet's words, when a reference that must lead somewhere does not. */
export function environmentOf(host: PodHost, record: PodRecord, { container, config }: { readonly container: Container; readonly config: ConfigSource }): Environment {
  const { namespace } = record.pod.metadata;
  const resolved = resolveEnvironment(container, {
    ...factsOf(host, record),
    allocatable: allocatableOf(host),
    services: kubernetesVariables(reservedAddress(host.bridge.subnet)),
    configMaps: config.configMaps(namespace),
    secrets: config.secrets(namespace),
    fileOf({ volumeName, path }) {
      const volume = record.pod.spec.volumes.find(({ name }) => name === volumeName) ?? fail("invalid", `Cannot read volume "${volumeName}": the pod has no such volume`);
      return readBelow(volumeDirectory(host, record, volume), path, { resolve: RESOLVE.beneath, largest: LARGEST, name: `"${path}" of the volume` });
    },
  });
  return resolved.errors.length > 0 ? fail("invalid", resolved.errors.join("; ")) : resolved;
}
