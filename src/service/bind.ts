/** Which volume satisfies which claim: the PV controller's rules (pkg/controller/volume/persistentvolume). Pure. */
import { fail } from "../base/errors.ts";
import { dynamicClaim, dynamicVolume, usesClaim } from "../pod/claims.ts";
import { bytesOf, newPodUid, type ClaimSpec, type LabelSelector, type PersistentVolume, type PersistentVolumeClaim, type ServiceName } from "../spec/spec.ts";
import type { ClaimRecord, ObjectRecord } from "../state/state.ts";

export interface BindInput {
  readonly service: ServiceName;
  readonly wanted: readonly ObjectRecord[];
  /** Every claim that is recorded, of this and of other services. */
  readonly recorded: readonly ClaimRecord[];
  /** The durable directory. */
  readonly durable: string;
  readonly now: number;
}

export interface Bound {
  /** Claims that are new or have changed, to be recorded. */
  readonly records: readonly ClaimRecord[];
  /** Those of them that are new. */
  readonly created: readonly ClaimRecord[];
}

/**
 * Binds the claims of a manifest: a claim that is bound stays so; another gets the smallest volume of the manifest that
 * fits, else a directory of this host's own. Fails with kind `invalid`, and all reasons, when a claim cannot be satisfied.
 */
export function bindClaims(input: BindInput): Bound {
  const objects = input.wanted.map(({ object }) => object);
  const claims = objects.filter((object) => object.kind === "PersistentVolumeClaim");
  const volumes = objects.filter((object) => object.kind === "PersistentVolume");
  const taken = new Map(input.recorded.filter(({ directory }) => directory === "").map((record) => [record.volume.metadata.name, keyOf(record.claim)]));
  const records: ClaimRecord[] = [];
  const created: ClaimRecord[] = [];
  const problems: string[] = [...sharedOncePod(input.wanted, claims)];
  for (const claim of byUrgency(claims, volumes)) {
    const known = input.recorded.find((record) => keyOf(record.claim) === keyOf(claim));
    const outcome = known === undefined ? bindNew(claim, { ...input, volumes, taken }) : rebind(claim, known, { ...input, volumes });
    if (typeof outcome === "string") problems.push(`claim "${keyOf(claim)}": ${outcome}`);
    else if (outcome !== known) records.push(outcome);
    if (typeof outcome === "string" || known !== undefined) continue;
    created.push(outcome);
    if (outcome.directory === "") taken.set(outcome.volume.metadata.name, keyOf(claim));
  }
  if (problems.length > 0) fail("invalid", `Cannot play "${input.service}": ${problems.join("; ")}`, { code: "EUNBOUND", hint: "nothing was changed" });
  return { records, created };
}

const keyOf = ({ metadata }: PersistentVolumeClaim): string => `${metadata.namespace}/${metadata.name}`;

/** Claims that name their volume, or are named by one, come first: nobody may take it from them. */
function byUrgency(claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[]): readonly PersistentVolumeClaim[] {
  const urgent = (claim: PersistentVolumeClaim): boolean => claim.spec.volumeName !== undefined || volumes.some((volume) => refersTo(volume, claim));
  return [...claims.filter(urgent), ...claims.filter((claim) => !urgent(claim))];
}

const refersTo = ({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean =>
  claimRef !== undefined && claimRef.name === metadata.name && claimRef.namespace === metadata.namespace;

interface Offer extends BindInput {
  readonly volumes: readonly PersistentVolume[];
}

/** The record of a claim that is bound for the first time, or why it cannot be. */
function bindNew(claim: PersistentVolumeClaim, { volumes, taken, service, durable, now }: Offer & { readonly taken: ReadonlyMap<string, string> }): ClaimRecord | string {
  const free = volumes.filter((volume) => !taken.has(volume.metadata.name) && (volume.spec.claimRef === undefined || refersTo(volume, claim)));
  const { volumeName } = claim.spec;
  const record = (volume: PersistentVolume): ClaimRecord => ({ service, claim, uid: newPodUid(), volume, directory: "", owner: "", phase: "Bound", boundAt: now });
  if (volumeName !== undefined) {
    const named = volumes.find(({ metadata }) => metadata.name === volumeName);
    if (named === undefined) return `PersistentVolume "${volumeName}" is not in the manifest`;
    if (!free.includes(named)) return `volume "${volumeName}" already bound to a different claim`;
    const mismatch = misfit(named, claim.spec);
    return mismatch === undefined ? record(named) : `Cannot bind to requested volume "${volumeName}": ${mismatch}`;
  }
  const found = smallest(free.filter((volume) => misfit(volume, claim.spec) === undefined && selects(claim.spec.selector, volume.metadata.labels)), claim);
  if (found !== undefined) return record(found);
  const reason = whyNotDynamic(claim.spec);
  return reason ?? dynamicClaim({ claim, service, owner: "", durable, now });
}

/** One that is kept for the claim, else the smallest. */
function smallest(volumes: readonly PersistentVolume[], claim: PersistentVolumeClaim): PersistentVolume | undefined {
  return volumes.find((volume) => refersTo(volume, claim)) ?? volumes.toSorted((one, other) => bytesOf(one.spec.capacity.storage) - bytesOf(other.spec.capacity.storage))[0];
}

/** Why a volume cannot satisfy a claim, in the controller's words (`checkVolumeSatisfyClaim`). */
function misfit({ spec }: PersistentVolume, claim: ClaimSpec): string | undefined {
  if (bytesOf(spec.capacity.storage) < bytesOf(claim.resources.requests.storage)) return "requested PV is too small";
  if (spec.storageClassName !== (claim.storageClassName ?? "")) return "storageClassName does not match";
  if (spec.volumeMode !== claim.volumeMode) return "incompatible volumeMode";
  return claim.accessModes.every((mode) => spec.accessModes.includes(mode)) ? undefined : "incompatible accessMode";
}

function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return true;
  const meets = ({ key, operator, values }: LabelSelector["matchExpressions"][number]): boolean => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return operator === "In" ? value !== undefined && values.includes(value) : value === undefined || !values.includes(value);
  };
  return Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value) && selector.matchExpressions.every(meets);
}

function whyNotDynamic({ storageClassName, selector, volumeMode }: ClaimSpec): string | undefined {
  if (storageClassName === "") return "no persistent volumes available for this claim and no storage class is set";
  if (selector !== undefined) return "no PersistentVolume of the manifest fits, and a claim with a selector gets no other";
  return volumeMode === "Block" ? "no PersistentVolume of the manifest fits, and a directory of this host cannot be a block device: offer one with local" : undefined;
}

/** The record of a claim that is bound already: its size may grow, all else of it stays (`ValidatePersistentVolumeClaimUpdate`). */
function rebind(claim: PersistentVolumeClaim, known: ClaimRecord, { service, volumes }: Offer): ClaimRecord | string {
  if (known.owner !== "") return "it belongs to the ephemeral volume of a pod";
  if (known.phase === "Removing") return "it is being removed";
  const { volumeName = known.volume.metadata.name, ...rest } = claim.spec;
  const before = { ...known.claim.spec, volumeName: known.volume.metadata.name };
  if (!Bun.deepEquals({ ...rest, volumeName, resources: before.resources }, before)) return 'spec is immutable after creation except resources.requests: "wherry volume rm" removes the claim with its volume';
  const [had, has] = [bytesOf(known.claim.spec.resources.requests.storage), bytesOf(claim.spec.resources.requests.storage)];
  if (has < had) return "spec.resources.requests.storage can not be less than previous value";
  if (known.directory === "" && has > bytesOf(known.volume.spec.capacity.storage)) return `PersistentVolume "${known.volume.metadata.name}" is too small, and cannot grow`;
  const offered = volumes.find(({ metadata }) => metadata.name === known.volume.metadata.name);
  if (known.directory === "" && offered !== undefined && !Bun.deepEquals(sourceOf(offered), sourceOf(known.volume))) return `spec.persistentvolumesource of PersistentVolume "${offered.metadata.name}" is immutable while a claim is bound to it`;
  const volume = known.directory === "" ? (offered ?? known.volume) : dynamicVolume(claim, known);
  const next: ClaimRecord = { ...known, service, claim, volume };
  return Bun.deepEquals(next, known) ? known : next;
}

const sourceOf = ({ spec }: PersistentVolume): unknown => ("local" in spec ? { local: spec.local } : { hostPath: spec.hostPath });

/** A claim of mode ReadWriteOncePod that two pods of the manifest have. */
function sharedOncePod(wanted: readonly ObjectRecord[], claims: readonly PersistentVolumeClaim[]): readonly string[] {
  return claims.filter(({ spec }) => spec.accessModes.includes("ReadWriteOncePod")).flatMap((claim) => {
    const users = wanted.flatMap(({ object }) => (object.kind === "Pod" && object.metadata.namespace === claim.metadata.namespace && usesClaim({ pod: object }, claim.metadata.name) ? [object.metadata.name] : []));
    return users.length < 2 ? [] : [`claim "${keyOf(claim)}" has access mode ReadWriteOncePod, and pods ${users.map((name) => `"${name}"`).join(" and ")} use it`];
  });
}
