/** What is done with volumes on request: nothing else removes one that outlives its pods. */
import { fail } from "../base/errors.ts";
import { pathOf, removeClaim, usesClaim } from "../pod/claims.ts";
import type { PodHost } from "../pod/pod.ts";
import type { ClaimRecord, DurableState } from "../state/state.ts";
import { clearDirectory } from "../storage/claimVolume.ts";

export interface ClaimStore {
  readonly durable: Pick<DurableState, "claims" | "objects">;
  readonly host: Pick<PodHost, "state" | "claims">;
}

/** `default/data` */
export const titleOf = ({ claim: { metadata } }: ClaimRecord): string => `${metadata.namespace}/${metadata.name}`;

/** Names of the pods of this host that have the claim, running or not. */
export function podsWith(state: Pick<PodHost["state"], "pods">, { claim: { metadata } }: ClaimRecord): readonly string[] {
  return state.pods({ namespace: metadata.namespace }).filter((record) => usesClaim(record, metadata.name)).map(({ pod }) => pod.metadata.name);
}

/** Fails with kind `conflict` while a pod has the claim. */
export function refuseInUse({ host }: ClaimStore, claim: ClaimRecord, action: string): void {
  const pods = podsWith(host.state, claim);
  if (pods.length > 0) fail("conflict", `Cannot ${action} volume "${titleOf(claim)}": ${pods.map((name) => `pod "${name}"`).join(" and ")} ${pods.length === 1 ? "has" : "have"} it, it should be in no pod`, { code: "EINUSE", hint: "take the service down, or remove the pod" });
}

/**
 * Removes a claim. A directory of wherry's own goes with it; of a PersistentVolume its reclaim policy says whether what
 * is in it stays. Kind `conflict` while a pod has it. Repeatable after a crash at any point.
 */
export async function removeVolume(store: ClaimStore, claim: ClaimRecord): Promise<void> {
  refuseInUse(store, claim, "remove");
  store.host.claims.put({ ...claim, phase: "Removing" });
  try {
    refuseInUse(store, claim, "remove"); // a pod that was recorded meanwhile; one that comes later sees the mark
  } catch (thrown) {
    store.host.claims.put(claim);
    throw thrown;
  }
  const { spec } = claim.volume;
  if (claim.directory === "" && spec.persistentVolumeReclaimPolicy !== "Retain" && spec.volumeMode === "Filesystem") await clearDirectory(pathOf(claim));
  await removeClaim(store.host, { ...claim, phase: "Removing" });
}

/** The claims that a service was the last to play. */
export const claimsOf = ({ durable }: ClaimStore, service: string): readonly ClaimRecord[] => durable.claims.all().filter((claim) => claim.service === service && claim.owner === "");

/** Claims that are in no pod and in no manifest that is played. */
export function unused({ durable, host }: ClaimStore): readonly ClaimRecord[] {
  const wanted = new Set(durable.objects().flatMap(({ object: { kind, metadata } }) => (kind === "PersistentVolumeClaim" ? [`${metadata.namespace}/${metadata.name}`] : [])));
  return durable.claims.all().filter((claim) => claim.owner === "" && !wanted.has(titleOf(claim)) && podsWith(host.state, claim).length === 0);
}
