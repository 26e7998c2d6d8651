/** For tests: a pod whose sandbox stands, with containers in given states. */
import { exampleContainer, examplePod } from "../spec/examples.ts";
import { newContainerId, serviceName, type ContainerState, type PodSpec } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { newPod } from "./records.ts";

/** The present, in ms. */
export const now = 100_000;

export function pod(spec: Partial<PodSpec> = {}, change: Partial<PodRecord> = {}): { record: PodRecord; containers: readonly ContainerRecord[] } {
  const made = newPod({ service: serviceName("shop"), pod: examplePod("web", spec), hash: "", network: "bridge", cgroup: "/wherry/shop", now });
  return { record: { ...made.record, ip: "10.0.0.2", sandboxAt: 1, ...change }, containers: made.containers };
}

export const running = (): ContainerState => ({ status: "running", id: newContainerId(), pid: 7, startedAt: 1 });

/** The containers with states in their order; those without one keep theirs. */
export const withStates = (containers: readonly ContainerRecord[], ...states: readonly ContainerState[]): readonly ContainerRecord[] =>
  containers.map((each, index) => ({ ...each, state: states[index] ?? each.state }));

export const two: Partial<PodSpec> = { initContainers: [exampleContainer("one"), exampleContainer("two")], containers: [exampleContainer("main"), exampleContainer("side")] };
