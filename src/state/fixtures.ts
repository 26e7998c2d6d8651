/** Values for the tests of this folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { containerId, containerName, namespace, newPodUid, podName, serviceName, type Pod, type PodUid } from "../spec/spec.ts";
import type { Image } from "../storage/storage.ts";
import type { ContainerRecord, NewEvent, ObjectRecord, PodRecord, ServiceRecord, ServiceRun } from "./state.ts";

/** A directory of its own, removed at the end of the block. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "wherry-state-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export const ID = containerId("ab".repeat(32));

export const serviceRecord = (name = "shop", revision = 1): ServiceRecord => ({
  name: serviceName(name),
  files: ["/srv/shop.yaml"],
  texts: ["kind: Pod\n"],
  options: { exitPolicy: "any", network: "bridge", publish: ["8080:80"] },
  revision,
  playedAt: 1000,
});

export const podObject = (name = "web", space = "default"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: podName(name), namespace: namespace(space), labels: { app: name }, annotations: {} },
  spec: { initContainers: [], containers: [], volumes: [], restartPolicy: "Always", terminationGracePeriodSeconds: 30, hostNetwork: false },
});

export const objectRecord = (name = "web", service = "shop"): ObjectRecord => ({ service: serviceName(service), object: podObject(name), hash: `hash of ${name}` });

export const serviceRun = (service = "shop"): ServiceRun => ({
  service: serviceName(service), id: ID, bundle: "/run/b", monitorPid: 0, cgroup: "/wherry/shop", unit: "",
  startedAt: 1, readyAt: 0, phase: "starting", status: "", exitCode: 0,
});

/** What `addPod` takes: a pod without its address. */
export function podRecord(name = "web", change: Partial<Omit<PodRecord, "ip" | "ip6">> = {}): Omit<PodRecord, "ip" | "ip6"> {
  return {
    uid: newPodUid(), service: serviceName("shop"), pod: podObject(name), hash: "h", wanted: "running", cgroup: name, network: "bridge", phase: "Pending",
    reason: "", message: "", createdAt: 5, sandboxAt: 0, initializedAt: 0, readyAt: 0, ...change,
  };
}

export const containerRecord = (pod: PodUid, name = "nginx", change: Partial<ContainerRecord> = {}): ContainerRecord => ({
  pod, name: containerName(name), kind: "main", position: 0, restarts: 0, state: { status: "waiting", reason: "ContainerCreating" },
  failures: 0, image: "docker.io/library/nginx:1", imageId: "", logPath: "", previousLogPath: "", ...change,
});

export const newEvent = (change: Partial<NewEvent> = {}): NewEvent => ({
  service: serviceName("shop"), namespace: namespace("default"), kind: "Pod", name: "web", uid: "u", fieldPath: "",
  type: "Normal", reason: "Started", message: "Started container nginx", ...change,
});

export const image = (digit: string, names: readonly string[] = []): Image => ({
  id: `sha256:${digit.repeat(64)}`,
  names,
  digests: [],
  layers: [`sha256:${digit.repeat(64)}`],
  config: { entrypoint: ["/bin/sh"], cmd: [], env: ["A=1"], workingDir: "/", user: "", stopSignal: "", volumes: [], labels: { a: "b" }, exposedPorts: [] },
  size: 12,
  created: 1,
  importedAt: 2,
});
