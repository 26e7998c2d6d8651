/** Recording what a service wants: its objects, and the volumes of its claims, all at once; then the volumes are made. */
import { provide } from "../pod/claims.ts";
import type { PodHost } from "../pod/pod.ts";
import type { DurableState } from "../state/state.ts";
import { bindClaims, type Bound } from "./bind.ts";
import type { Wanted } from "./service.ts";

export interface Recorder {
  readonly durable: DurableState;
  readonly host: Pick<PodHost, "state" | "paths" | "now">;
}

/** What binding the claims would record. Fails with kind `invalid` when one cannot be satisfied. */
export function boundClaims({ durable, host }: Recorder, { record, objects }: Wanted): Bound {
  return bindClaims({ service: record.name, wanted: objects, recorded: durable.claims.all(), durable: host.paths.durable, now: host.now() });
}

/** Makes `wanted` the recorded state of its service. Callers hold the service's lock. */
export function recordWanted(recorder: Recorder, wanted: Wanted): void {
  const { durable, host } = recorder;
  const { records, created } = boundClaims(recorder, wanted);
  durable.putService(wanted.record, wanted.objects, records);
  for (const claim of records) if (claim.directory !== "") provide(claim);
  for (const { claim, volume, directory } of created) {
    const { namespace, name } = claim.metadata;
    const what = directory === "" ? `PersistentVolume "${volume.metadata.name}"` : `directory "${directory}"; its capacity ${volume.spec.capacity.storage} is recorded, and not enforced`;
    host.state.addEvent({ service: wanted.record.name, namespace, kind: "PersistentVolumeClaim", name, uid: "", fieldPath: "", type: "Normal", reason: directory === "" ? "Bound" : "ProvisioningSucceeded", message: `Bound to ${what}` }, host.now());
  }
}
