/** For tests: records of pods and containers, at a time that stands still. */
import { containerId, containerName, type ContainerState, namespace, type Pod, podName, podUid, serviceName, type Terminated } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";

/** 2026-03-01 12:00:00 UTC: the present in all tests. */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const SECOND = 1000;
export const MINUTE = 60_000;

/** A container id of one digit. */
export const ID = (digit: string): ReturnType<typeof containerId> => containerId(digit.repeat(64));

/** Running since three minutes. */
export const running = (digit: string, startedAt = NOW - 3 * MINUTE): ContainerState => ({ status: "running", id: ID(digit), pid: 4711, startedAt });
export const waiting = (reason: string): ContainerState => ({ status: "waiting", reason });
export const ended = (digit: string, exitCode: number, more: Partial<Terminated> = {}): Terminated => ({
  status: "terminated", id: ID(digit), exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt: NOW - 2 * MINUTE, finishedAt: NOW - MINUTE, ...more,
});

type PodChange = Partial<Omit<PodRecord, "pod" | "uid" | "service">> & { readonly spec?: Partial<Pod["spec"]>; readonly labels?: Pod["metadata"]["labels"]; readonly annotations?: Pod["metadata"]["annotations"]; readonly uid?: string; readonly service?: string };

/** A pod `default/NAME` of service shop with one container `main`, running since three minutes. */
export function podRecord(name: string, change: PodChange = {}): PodRecord {
  const { spec, labels = {}, annotations = {}, uid = "00000000-0000-4000-8000-000000000001", service = "shop", ...rest } = change;
  const metadata = { name: podName(name), namespace: namespace("default"), labels, annotations };
  const defaults: Pod["spec"] = { initContainers: [], containers: [containerSpec("main")], volumes: [], restartPolicy: "Always", terminationGracePeriodSeconds: 30, hostNetwork: false };
  return {
    uid: podUid(uid),
    service: serviceName(service),
    pod: { apiVersion: "v1", kind: "Pod", metadata, spec: { ...defaults, ...spec } },
    hash: "h",
    wanted: "running",
    cgroup: `/${uid}`,
    network: "bridge",
    ip: "10.89.0.2",
    phase: "Running",
    reason: "",
    message: "",
    createdAt: NOW - 4 * MINUTE,
    sandboxAt: NOW - 4 * MINUTE,
    initializedAt: NOW - 4 * MINUTE,
    readyAt: NOW - 3 * MINUTE,
    ...rest,
  };
}

/** A container of the specification. */
export function containerSpec(name: string, more: Partial<Pod["spec"]["containers"][number]> = {}): Pod["spec"]["containers"][number] {
  return { name: containerName(name), image: "docker.io/library/nginx:1.27", imagePullPolicy: "IfNotPresent", env: [], envFrom: [], ports: [], volumeMounts: [], resources: { limits: {} }, ...more };
}

/** A running main container. */
export function containerRecord(pod: PodRecord, name: string, change: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    pod: pod.uid, name: containerName(name), kind: "main", position: 0, restarts: 0, state: running("a"), failures: 0,
    image: "docker.io/library/nginx:1.27", imageId: "sha256:1234", logPath: "", previousLogPath: "", ...change,
  };
}
