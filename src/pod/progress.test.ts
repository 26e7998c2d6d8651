import { describe, expect, test } from "bun:test";
import { exampleContainer, exampleEnd } from "../spec/examples.ts";
import type { ContainerState } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import { now, pod, running, two, withStates } from "./made.ts";
import { isDecided, isImageFailure, progressOf, type Progress, type ProgressOptions } from "./progress.ts";


describe("progressOf()", () => {
  test("is started when every main container has run", () => {
    const { record, containers } = pod();
    expect(progressOf(record, containers)).toEqual({ is: "pending" });
    expect(progressOf(record, withStates(containers, running()))).toEqual({ is: "started" });
    expect(progressOf({ ...record, phase: "Failed" }, withStates(containers, exampleEnd(3)))).toEqual({ is: "started" });
  });

  test("is pending again when a pod that had ended is started anew, however it had ended", () => {
    const { record, containers } = pod();
    for (const last of [exampleEnd(0), exampleEnd(128, { reason: "StartError", startedAt: 0 })]) {
      expect(progressOf(record, containers.map((each) => ({ ...each, last })))).toEqual({ is: "pending" });
    }
  });

  test("is failed with the reason of what keeps the pod from starting", () => {
    const { record, containers } = pod();
    const missing: ContainerState = { status: "waiting", reason: "ErrImageNeverPull", message: "no image", until: now };
    expect(progressOf(record, withStates(containers, missing))).toEqual({ is: "failed", reason: "ErrImageNeverPull", message: 'container "main": no image' });
    expect(progressOf(record, withStates(containers, exampleEnd(128, { reason: "StartError", message: "not found", startedAt: 0 })))).toMatchObject({ is: "failed", reason: "RunContainerError" });
    expect(progressOf({ ...record, sandboxAt: 0, reason: "FailedCreatePodSandBox", message: "no net" }, containers)).toMatchObject({ is: "failed", reason: "FailedCreatePodSandBox" });
  });

  test("waits for what may be mended, unless something else has failed or is still to come", () => {
    const { record, containers } = pod({ containers: [exampleContainer("main"), exampleContainer("side")] });
    const unmade: ContainerState = { status: "waiting", reason: "CreateContainerConfigError", message: "no key", until: now };
    const fresh: ContainerState = { status: "waiting", reason: "ContainerCreating" };
    expect(progressOf(record, withStates(containers, unmade, running()))).toEqual({ is: "waiting", container: "main", reason: "CreateContainerConfigError", message: "no key" });
    expect(progressOf(record, withStates(containers, fresh, unmade))).toMatchObject({ is: "waiting", container: "side" });
    expect(progressOf(record, withStates(containers, unmade, fresh), { held: new Set(["side"]) }).is).toBe("pending");
    expect(progressOf(record, withStates(containers, unmade, { status: "waiting", reason: "ErrImagePull", message: "no", until: now }))).toMatchObject({ is: "failed", reason: "ErrImagePull" });
  });

  test("gives up on an init container that fails for the third time", () => {
    const { record, containers } = pod(two);
    const looping = (failures: number): readonly ContainerRecord[] =>
      containers.map((each, index) => (index === 0 ? { ...each, failures, last: exampleEnd(1), state: { status: "waiting", reason: "CrashLoopBackOff", until: now } } : each));
    expect(progressOf(record, looping(2)).is).toBe("pending");
    expect(progressOf(record, looping(3))).toMatchObject({ is: "failed", reason: "Init:CrashLoopBackOff" });
  });
});

describe("progressOf() of images", () => {
  const waits = (reason: string, transient = false): ContainerState => ({ status: "waiting", reason, message: "no", until: now, ...(transient ? { transient } : {}) });
  const fresh: ContainerState = { status: "waiting", reason: "ContainerCreating" };
  const cases: readonly (readonly [string, readonly ContainerState[], ProgressOptions, Progress["is"] | "image"])[] = [
    ["not found", [waits("ErrImagePull")], {}, "failed"],
    ["not found, later", [waits("ImagePullBackOff")], {}, "failed"],
    ["not found, of a unit", [waits("ErrImagePull")], { patient: true }, "failed"],
    ["no registry", [waits("RegistryUnavailable", true)], {}, "failed"],
    ["no registry, of a unit", [waits("RegistryUnavailable", true)], { patient: true }, "image"],
    ["a network that comes later, of a unit", [waits("ErrImagePull", true)], { patient: true }, "image"],
    ["the same, in back-off", [waits("ImagePullBackOff", true)], { patient: true }, "image"],
    ["a name that is none, of a unit", [waits("InvalidImageName")], { patient: true }, "failed"],
    ["never pulled, of a unit", [waits("ErrImageNeverPull")], { patient: true }, "failed"],
    ["being pulled", [fresh], { held: new Set(["main"]) }, "image"],
    ["being pulled again", [waits("ImagePullBackOff")], { held: new Set(["main"]) }, "image"],
    ["present", [fresh], {}, "pending"],
    ["one is being pulled, one starts", [fresh, fresh], { held: new Set(["main"]) }, "pending"],
    ["one is being pulled, one runs", [fresh, running()], { held: new Set(["main"]) }, "image"],
    ["one is being pulled, one is not found", [fresh, waits("ErrImagePull")], { held: new Set(["main"]) }, "failed"],
  ];
  for (const [what, states, options, is] of cases) {
    test(`progressOf() ${what}: ${is}`, () => {
      const { record, containers } = pod({ containers: [exampleContainer("main"), exampleContainer("side")].slice(0, states.length) });
      const progress = progressOf(record, withStates(containers, ...states), options);
      expect(progress.is === "pending" && progress.image === true ? "image" : progress.is).toBe(is);
    });
  }

  test("progressOf() of an init container that is being pulled waits for an image, of one that runs does not", () => {
    const { record, containers } = pod(two);
    const held = new Set(["one", "main", "side"]);
    expect(progressOf(record, containers, { held })).toEqual({ is: "pending", image: true });
    expect(progressOf(record, withStates(containers, running()), { held: new Set(["main", "side"]) })).toEqual({ is: "pending" });
    expect(progressOf({ ...record, sandboxAt: 0 }, containers, { held })).toEqual({ is: "pending" });
  });
});

describe("isDecided()", () => {
  const pending: Progress = { is: "pending" }, image: Progress = { is: "pending", image: true }, started: Progress = { is: "started" };
  const waits: Progress = { is: "waiting", container: "main", reason: "CreateContainerConfigError", message: "" };
  const failed: Progress = { is: "failed", reason: "ErrImagePull", message: "" }, other: Progress = { is: "failed", reason: "CreateContainerError", message: "" };
  const cases: readonly (readonly [string, readonly Progress[], boolean])[] = [
    ["no pods", [], true],
    ["all started", [started, started], true],
    ["one starts", [started, pending], false],
    ["one waits for its image", [started, image], false],
    ["one failed, one waits for its image", [failed, started, image], true],
    ["one failed otherwise, one waits for its image", [other, image], true],
    ["one failed, one starts", [failed, pending, image], false],
    ["all failed", [failed, other], true],
    ["one waits to be mended", [started, waits], true],
    ["one waits to be mended, one starts", [waits, pending], false],
    ["one waits to be mended, one for its image", [waits, image], false],
  ];
  for (const [what, pods, decided] of cases) test(`isDecided() ${what}: ${decided}`, () => expect(isDecided(pods)).toBe(decided));

  test("isDecided() of a unit waits for what may be mended, unless a pod has failed", () => {
    const unit = (...pods: readonly Progress[]): boolean => isDecided(pods, { patient: true });
    expect([unit(started, waits), unit(failed, waits), unit(failed, waits, image), unit(failed, waits, pending)]).toEqual([false, true, true, false]);
  });

  test("isImageFailure() tells images from other failures", () => expect([failed, other, started].map(isImageFailure)).toEqual([true, false, false]));
});
