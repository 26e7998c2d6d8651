import { describe, expect, test } from "bun:test";
import { containerRecord, containerSpec, ID, podRecord, running, waiting } from "../pod/testing.ts";
import type { ContainerState } from "../spec/spec.ts";
import { statusOf, type PodView } from "./status.ts";

function view(name: string, state: ContainerState, pulling: Readonly<Record<string, string>> = {}): PodView {
  const ready = state.status === "running";
  const record = podRecord(name, { spec: { containers: [containerSpec("nginx")] }, ...(ready ? {} : { readyAt: 0, phase: "Pending" }) });
  return { record, containers: [containerRecord(record, "nginx", { state })], pulling: new Map(Object.entries(pulling)) };
}

/** It runs, and is not ready yet. */
function unready(name: string): PodView {
  const readinessProbe = { tcpSocket: { port: 80 }, initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  const record = podRecord(name, { spec: { containers: [containerSpec("nginx", { readinessProbe })] }, readyAt: 0 });
  return { record, containers: [containerRecord(record, "nginx", { health: { id: ID("a"), why: "readiness probe: connection refused" } })], pulling: new Map() };
}

/** Nobody has opened its readiness gate. */
function gated(name: string): PodView {
  const record = podRecord(name, { spec: { containers: [containerSpec("nginx")], readinessGates: [{ conditionType: "example.com/ok" }] }, readyAt: 0 });
  return { record, containers: [containerRecord(record, "nginx")], pulling: new Map() };
}

describe("statusOf()", () => {
  const noNetwork: ContainerState = { status: "waiting", reason: "ImagePullBackOff", transient: true, until: 1 };
  const cases: readonly (readonly [string, readonly PodView[], boolean, string, boolean])[] = [
    ["ready", [view("web", running("a"))], false, "1/1 pods ready", false],
    ["unready", [unready("web")], false, "0/1 pods ready, waiting for web (nginx: readiness probe: connection refused)", true],
    ["gated", [gated("web")], false, "0/1 pods ready, waiting for web (readiness gate example.com/ok)", true],
    ["pulling", [view("db", running("a")), view("web", waiting("ContainerCreating"), { nginx: "pulling 45%" })], false, "1/2 pods ready, waiting for web (nginx: pulling 45%)", true],
    ["pulling again", [view("web", waiting("ImagePullBackOff"), { nginx: "pulling" })], false, "0/1 pods ready, waiting for web (nginx: pulling)", true],
    ["not found", [view("web", waiting("ImagePullBackOff"))], false, "0/1 pods ready, waiting for web (nginx: ImagePullBackOff)", false],
    ["not found, of a unit", [view("web", waiting("ErrImagePull"))], true, "0/1 pods ready, waiting for web (nginx: ErrImagePull)", false],
    ["no network", [view("web", noNetwork)], false, "0/1 pods ready, waiting for web (nginx: ImagePullBackOff)", false],
    ["no network, of a unit", [view("web", noNetwork)], true, "0/1 pods ready, waiting for web (nginx: ImagePullBackOff)", true],
  ];
  for (const [what, pods, patient, text, busy] of cases) {
    test(`statusOf() ${what}: ${text}${busy ? ", busy" : ""}`, () => expect(statusOf(pods, { patient })).toEqual({ text, busy, ready: what === "ready" }));
  }
});
