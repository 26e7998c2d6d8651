import { describe, expect, test } from "bun:test";
import { containerRecord, podRecord, running, waiting } from "../pod/testing.ts";
import type { ContainerState } from "../spec/spec.ts";
import { statusOf, type PodView } from "./status.ts";

function view(name: string, state: ContainerState, pulling: Readonly<Record<string, string>> = {}): PodView {
  const ready = state.status === "running";
  const record = podRecord(name, ready ? {} : { readyAt: 0, phase: "Pending" });
  return { record, containers: [containerRecord(record, "nginx", { state })], pulling: new Map(Object.entries(pulling)) };
}

describe("statusOf()", () => {
  const noNetwork: ContainerState = { status: "waiting", reason: "ImagePullBackOff", transient: true, until: 1 };
  const cases: readonly (readonly [string, readonly PodView[], boolean, string, boolean])[] = [
    ["ready", [view("web", running("a"))], false, "1/1 pods ready", false],
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
