/** Small valid values for tests of any folder; not part of the program. */
import { containerName, namespace, newContainerId, podName } from "./names.ts";
import type { Container, Pod, PodSpec } from "./pod.ts";
import type { Terminated } from "./status.ts";

export function exampleContainer(name: string, change: Partial<Container> = {}): Container {
  return { name: containerName(name), image: "localhost/busybox", imagePullPolicy: "IfNotPresent", env: [], envFrom: [], ports: [], volumeMounts: [], resources: { limits: {} }, ...change };
}

export function examplePod(name: string, spec: Partial<PodSpec> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName(name), namespace: namespace("default"), labels: {}, annotations: {} },
    spec: { initContainers: [], containers: [exampleContainer("main")], volumes: [], restartPolicy: "Always", terminationGracePeriodSeconds: 30, hostNetwork: false, ...spec },
  };
}

export function exampleEnd(exitCode: number, change: Partial<Terminated> = {}): Terminated {
  return { status: "terminated", id: newContainerId(), exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt: 1000, finishedAt: 2000, ...change };
}

