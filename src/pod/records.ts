/** New rows for a pod: what is recorded before anything of it is made. */
import { newPodUid, type Container, type Pod, type PodUid, type ServiceName } from "../spec/spec.ts";
import type { ContainerRecord, HostPort, PodRecord, RuntimeState } from "../state/state.ts";

export interface NewPodInput {
  readonly service: ServiceName;
  readonly pod: Pod;
  readonly hash: string;
  readonly network: PodRecord["network"];
  /** cgroup path of the service's base */
  readonly cgroup: string;
  readonly now: number;
}

export function newPod(input: NewPodInput): { readonly record: Omit<PodRecord, "ip" | "ip6">; readonly containers: readonly ContainerRecord[] } {
  const uid = newPodUid();
  const { service, pod, hash, network, now } = input;
  const record: Omit<PodRecord, "ip" | "ip6"> = {
    uid, service, pod, hash, network,
    wanted: "running",
    cgroup: `${input.cgroup}/${uid}`,
    phase: "Pending",
    reason: "",
    message: "",
    createdAt: now,
    sandboxAt: 0,
    initializedAt: 0,
    readyAt: 0,
  };
  return { record, containers: containersOf(uid, pod) };
}

function containersOf(uid: PodUid, pod: Pod): readonly ContainerRecord[] {
  const waiting = pod.spec.initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
  const row = (list: "init" | "main") => (container: Container, position: number): ContainerRecord => ({
    pod: uid,
    name: container.name,
    kind: list === "init" && container.restartPolicy === "Always" ? "sidecar" : list,
    position,
    restarts: 0,
    state: { status: "waiting", reason: waiting },
    failures: 0,
    image: container.image,
    imageId: "",
    logPath: "",
    previousLogPath: "",
  });
  return [...pod.spec.initContainers.map(row("init")), ...pod.spec.containers.map(row("main"))];
}

/** Back to waiting; what they ended with stays as their last state. In a sandbox that stands, completed init containers have done their part. */
export function resetContainers(state: RuntimeState, record: PodRecord): void {
  for (const each of state.containers(record.uid)) {
    if (each.state.status === "running" || each.state.status === "creating") continue;
    if (record.sandboxAt > 0 && each.kind === "init" && each.state.status === "terminated" && each.state.exitCode === 0) continue;
    const last = each.state.status === "terminated" ? { last: each.state } : {};
    state.updateContainer(record.uid, each.name, { state: { status: "waiting", reason: "ContainerCreating" }, failures: 0, ...last });
  }
}

const PROTOCOLS = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const;

/** Host ports a pod holds, for its main containers and sidecars. On the host's own network only declared host ports count, as in Kubernetes. */
export function hostPortsOf(pod: Pod, network: PodRecord["network"]): readonly HostPort[] {
  if (network === "none") return [];
  return [...pod.spec.initContainers.filter(({ restartPolicy }) => restartPolicy === "Always"), ...pod.spec.containers]
    .flatMap((container) => container.ports)
    .flatMap((port) => (port.hostPort === undefined ? [] : [{ ip: port.hostIP ?? "", port: port.hostPort, protocol: PROTOCOLS[port.protocol] }]));
}
