/** `wherry volume inspect`: what is known of volumes, under podman's names and with the Kubernetes objects. */
import { pathOf } from "../../../pod/claims.ts";
import { podsWith } from "../../../service/claimVolumes.ts";
import type { ClaimRecord, RuntimeState } from "../../../state/state.ts";
import { findClaim } from "../../claims.ts";
import type { Command, Outcome } from "../../command.ts";
import { claimObject, volumeObject } from "../../kinds/volumeObjects.ts";
import { NAMESPACE, namespaceOf, output } from "../../options.ts";

export const command: Command = {
  description: "Prints an array with one value for each name.",
  options: [NAMESPACE, output("json", "yaml")],
  words: [{ name: "NAME", repeat: true, complete: "volumes" }],
  async run(context, input): Promise<Outcome> {
    const [durable, runtime] = [await context.engine.durable(), await context.engine.runtime()];
    const namespace = namespaceOf(input, { all: false }) ?? "default";
    return { kind: "value", value: input.words.map((word) => inspected(findClaim(durable, word, namespace), runtime)) };
  },
};

/** What `inspect` prints of one volume. */
export function inspected(record: ClaimRecord, runtime: RuntimeState): Readonly<Record<string, unknown>> {
  const { metadata } = record.claim;
  return {
    Name: metadata.name,
    Namespace: metadata.namespace,
    Driver: "local",
    Mountpoint: pathOf(record),
    CreatedAt: new Date(record.boundAt).toISOString(),
    Labels: metadata.labels,
    Scope: "local",
    Service: record.service,
    Pods: podsWith(runtime, record),
    Claim: claimObject(record),
    Volume: volumeObject(record.volume, record),
  };
}
