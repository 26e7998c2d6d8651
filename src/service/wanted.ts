/** From checked objects to what is recorded as wanted: the options of the play applied, every object with its hash. Pure. */
import { fail } from "../base/errors.ts";
import type { Checked } from "../kube/kube.ts";
import { startedWith } from "../kube/references.ts";
import type { Container, ContainerPort, KubeObject, Pod, ServiceName } from "../spec/spec.ts";
import type { ObjectRecord, ServiceOptions } from "../state/state.ts";

/**
 * The hash of a pod covers all that it is made from: its object, its configuration, and the network that it is given.
 * Fails with kind `invalid` when a port cannot be published.
 */
export function objectRecords(service: ServiceName, checked: Checked, { publish, network }: Pick<ServiceOptions, "publish" | "network">): readonly ObjectRecord[] {
  const pods = applyPublish(checked.pods, publish.map(parsePublish));
  if (network === "none") refuseHostPorts(pods);
  if (network === "host") refuseOwnUsers(pods);
  const config = [...checked.namespaces, ...checked.configMaps, ...checked.secrets, ...checked.volumes, ...checked.claims];
  return [
    ...config.map((object): ObjectRecord => ({ service, object, hash: hashOf(object) })),
    ...pods.map((object): ObjectRecord => ({ service, object, hash: hashOf([object, configOf(object, checked), object.spec.hostNetwork ? "host" : network]) })),
  ];
}

/** As with `hostNetwork` of the pod itself. */
function refuseOwnUsers(pods: readonly Pod[]): void {
  const own = pods.find(({ spec }) => spec.hostUsers === false);
  if (own !== undefined) fail("invalid", `Cannot give pod "${own.metadata.name}" the network of the host: its hostUsers is false, the network of the service must be bridge or none`);
}

/** A port that nobody could reach must not look published. */
function refuseHostPorts(pods: readonly Pod[]): void {
  for (const { metadata, spec } of pods.filter((pod) => !pod.spec.hostNetwork)) {
    const port = spec.containers.flatMap(({ ports }) => ports).find(({ hostPort }) => hostPort !== undefined);
    if (port !== undefined) fail("invalid", `Cannot publish host port ${port.hostPort}/${port.protocol} of pod "${metadata.name}": the network of the service is "none", it must be bridge or host`);
  }
}

/** The ConfigMaps and Secrets that the pod cannot follow while it runs; files of others are updated in place. */
function configOf(pod: Pod, checked: Checked): readonly KubeObject[] {
  const used = startedWith(pod);
  const here = (each: KubeObject): boolean => each.metadata.namespace === pod.metadata.namespace;
  return [
    ...checked.configMaps.filter((each) => here(each) && used.configMaps.includes(each.metadata.name)),
    ...checked.secrets.filter((each) => here(each) && used.secrets.includes(each.metadata.name)),
  ];
}

/** SHA-256 of the canonical JSON (keys sorted): the same object written in another order is the same object. */
export function hashOf(value: unknown): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(value, sorted)).digest("hex");
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

interface Publish {
  readonly text: string;
  readonly hostIP: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: ContainerPort["protocol"];
}

const PUBLISH = /^(?:(?:(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):)?(\d+)?:)?(\d+)(?:\/(tcp|udp|sctp))?$/i;
const PROTOCOLS: Readonly<Record<string, ContainerPort["protocol"]>> = { TCP: "TCP", UDP: "UDP", SCTP: "SCTP" };

/** `[[ip:][host]:]container[/protocol]`, as `podman kube play --publish`. Fails with kind `usage`. */
export function parsePublish(text: string): Publish {
  const match = PUBLISH.exec(text);
  const containerPort = Number(match?.[3]);
  const hostPort = Number(match?.[2] ?? containerPort);
  const valid = (port: number): boolean => port >= 1 && port <= 65535;
  if (match === null || !valid(containerPort) || !valid(hostPort)) {
    fail("usage", `Cannot publish "${text}": it must be [[IP:]HOSTPORT:]CONTAINERPORT[/PROTOCOL]`);
  }
  return { text, hostIP: (match[1] ?? "").replace(/[[\]]/g, ""), hostPort, containerPort, protocol: PROTOCOLS[(match[4] ?? "tcp").toUpperCase()] ?? "TCP" };
}

/** A published port goes to the one container that declares it; with one pod of one container it need not be declared. */
function applyPublish(pods: readonly Pod[], published: readonly Publish[]): readonly Pod[] {
  return published.reduce(publishOne, pods);
}

function publishOne(pods: readonly Pod[], publish: Publish): readonly Pod[] {
  const declares = (container: Container): boolean =>
    container.ports.some((port) => port.containerPort === publish.containerPort && port.protocol === publish.protocol);
  const holders = pods.flatMap((pod) => pod.spec.containers.filter(declares).map((container) => ({ pod, container })));
  const [first] = pods;
  const target = holders[0] ?? (first !== undefined && pods.length === 1 && first.spec.containers[0] !== undefined ? { pod: first, container: first.spec.containers[0] } : undefined);
  if (target === undefined || holders.length > 1) {
    fail("invalid", `Cannot publish "${publish.text}": container port ${publish.containerPort}/${publish.protocol} is declared by ${holders.length} containers, it must be one`);
  }
  const changed = { ...target.container, ports: mergePort(target.container.ports, publish) };
  const spec = { ...target.pod.spec, containers: target.pod.spec.containers.map((each) => (each === target.container ? changed : each)) };
  return pods.map((pod) => (pod === target.pod ? { ...pod, spec } : pod));
}

/** The flag wins over the manifest's hostPort of the same container port and protocol. */
function mergePort(ports: readonly ContainerPort[], { containerPort, protocol, hostIP, hostPort }: Publish): readonly ContainerPort[] {
  const host = hostIP === "" ? { hostPort } : { hostPort, hostIP };
  const same = (port: ContainerPort): boolean => port.containerPort === containerPort && port.protocol === protocol;
  if (!ports.some(same)) return [...ports, { containerPort, protocol, ...host }];
  return ports.map((port) => (same(port) ? { ...(port.name === undefined ? {} : { name: port.name }), containerPort, protocol, ...host } : port));
}
