/** What keeps a play from being applied because of other services: found before anything is touched. Pure. */
import type { Listener } from "../network/listeners.ts";
import type { Pod } from "../spec/spec.ts";
import type { HostPort, ObjectRecord, PodRecord } from "../state/state.ts";
import { hostPortsOf } from "../pod/records.ts";

export interface Holder {
  readonly pod: PodRecord;
  readonly ports: readonly HostPort[];
}

/** One sentence for every name or host port that another service holds. `played`: the objects of all services. */
export function conflicts(wanted: readonly ObjectRecord[], others: readonly Holder[], played: readonly ObjectRecord[] = []): readonly string[] {
  const pods = wanted.flatMap(({ object }) => (object.kind === "Pod" ? [object] : []));
  return [...pods.flatMap((pod) => [...nameConflicts(pod, others), ...portConflicts(pod, others)]), ...wanted.flatMap((each) => volumeConflicts(each, played))];
}

/** A claim or volume belongs to the service that has it in its manifest; what nobody has any more may be taken up. Namespaces are shared. */
function volumeConflicts({ object, service }: ObjectRecord, played: readonly ObjectRecord[]): readonly string[] {
  if (object.kind !== "PersistentVolumeClaim" && object.kind !== "PersistentVolume") return [];
  const { namespace, name } = object.metadata;
  const same = played.filter((other) => other.service !== service && other.object.kind === object.kind && other.object.metadata.namespace === namespace && other.object.metadata.name === name);
  const title = object.kind === "PersistentVolume" ? name : `${namespace}/${name}`;
  return same.map((other) => `${object.kind} "${title}" belongs to service "${other.service}"`);
}

function nameConflicts(pod: Pod, others: readonly Holder[]): readonly string[] {
  const { namespace, name } = pod.metadata;
  return others
    .filter(({ pod: { pod: other } }) => other.metadata.name === name && other.metadata.namespace === namespace)
    .map(({ pod: { service } }) => `pod "${namespace}/${name}" belongs to service "${service}"`);
}

function portConflicts(pod: Pod, others: readonly Holder[]): readonly string[] {
  const asked = hostPortsOf(pod, pod.spec.hostNetwork ? "host" : "bridge");
  return asked.flatMap((port) =>
    others
      .filter(({ ports }) => ports.some((held) => held.port === port.port && held.protocol === port.protocol && overlap(held.ip, port.ip)))
      .map(({ pod: holder }) => `host port ${port.port}/${port.protocol} of pod "${pod.metadata.name}" is held by pod "${holder.pod.metadata.name}" of service "${holder.service}"`),
  );
}

const WILDCARDS = ["", "0.0.0.0", "::"];
const overlap = (a: string, b: string): boolean => a === b || WILDCARDS.includes(a) || WILDCARDS.includes(b);

/** The host ports that a pod asks for. */
export interface PodPorts {
  readonly name: string;
  readonly network: PodRecord["network"];
  readonly ports: readonly HostPort[];
}

/** A host port that a pod asks for and something else on this host listens on. */
export interface HeldPort {
  readonly pod: string;
  readonly port: HostPort;
  readonly listener: Listener;
}

/**
 * Those of the wanted pods' host ports that are taken. Whoever listens on one other address than the wanted is in nobody's
 * way: a resolver on 127.0.0.53 is beside a pod's port 53. `own`: ports that the service has already.
 */
export function heldPorts(pods: readonly Omit<PodPorts, "network">[], { own, listeners }: { readonly own: readonly HostPort[]; readonly listeners: readonly Listener[] }): readonly HeldPort[] {
  const ours = ({ port, protocol }: HostPort): boolean => own.some((held) => held.port === port && held.protocol === protocol);
  return pods.flatMap(({ name, ports }) => ports.filter((port) => !ours(port)).flatMap((port) => {
    const listener = listeners.find((each) => each.port === port.port && each.protocol === port.protocol && (each.address === "" || each.address === port.ip));
    return listener === undefined ? [] : [{ pod: name, port, listener }];
  }));
}
