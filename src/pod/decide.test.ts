import { describe, expect, test } from "bun:test";
import { exampleContainer, exampleEnd } from "../spec/examples.ts";
import type { ContainerState, PodSpec } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import { now, pod, running, two, withStates } from "./made.ts";
import { afterEnd, backoffText, decide, livePhase } from "./decide.ts";
import { derive } from "./derive.ts";

const names = (decision: ReturnType<typeof decide>): readonly string[] => (decision.do === "start" ? decision.containers.map((each) => each.name) : [decision.do]);

describe("decide()", () => {
  test("makes the sandbox first", () => {
    const { record, containers } = pod({}, { sandboxAt: 0 });
    expect(decide(record, containers, { now })).toEqual({ do: "sandbox" });
  });

  test("runs init containers one after the other, then all main containers at once", () => {
    const { record, containers } = pod(two);
    expect(names(decide(record, containers, { now }))).toEqual(["one"]);
    expect(names(decide(record, withStates(containers, running()), { now }))).toEqual(["nothing"]);
    expect(names(decide(record, withStates(containers, exampleEnd(0)), { now }))).toEqual(["two"]);
    expect(names(decide(record, withStates(containers, exampleEnd(0), exampleEnd(0)), { now }))).toEqual(["main", "side"]);
  });

  test("waits for a back-off and says until when", () => {
    const { record, containers } = pod();
    const waiting: ContainerState = { status: "waiting", reason: "CrashLoopBackOff", until: now + 10_000 };
    expect(decide(record, withStates(containers, waiting), { now })).toEqual({ do: "nothing", wakeAt: now + 10_000 });
    expect(names(decide(record, withStates(containers, waiting), { now: now + 10_000 }))).toEqual(["main"]);
  });

  test("finishes a pod when its containers have ended for good", () => {
    const { record, containers } = pod({ ...two, restartPolicy: "Never" });
    const initDone = [exampleEnd(0), exampleEnd(0)];
    expect(decide(record, withStates(containers, ...initDone, exampleEnd(0), exampleEnd(0)), { now })).toEqual({ do: "finish", phase: "Succeeded" });
    expect(decide(record, withStates(containers, ...initDone, exampleEnd(0), exampleEnd(3)), { now })).toEqual({ do: "finish", phase: "Failed" });
    expect(decide(record, withStates(containers, ...initDone, exampleEnd(0), running()), { now })).toEqual({ do: "nothing" });
    expect(decide(record, withStates(containers, exampleEnd(1)), { now })).toEqual({ do: "finish", phase: "Failed" });
  });

  test("leaves a finished pod alone", () => {
    const { record, containers } = pod({ restartPolicy: "Never" }, { sandboxAt: 0, phase: "Succeeded" });
    expect(decide(record, withStates(containers, exampleEnd(0)), { now })).toEqual({ do: "nothing" });
  });

  test("starts no container that waits for its image, and the others without it", () => {
    const { record, containers } = pod(two);
    expect(names(decide(record, containers, { now, held: new Set(["one"]) }))).toEqual(["nothing"]);
    expect(names(decide(record, containers, { now, held: new Set(["main", "side"]) }))).toEqual(["one"]);
    expect(names(decide(record, withStates(containers, exampleEnd(0), exampleEnd(0)), { now, held: new Set(["main"]) }))).toEqual(["side"]);
  });

  test("makes a sandbox whatever an image waits for, and waits for the back-off of one that failed", () => {
    const { record, containers } = pod({}, { sandboxAt: 0 });
    const waiting = withStates(containers, { status: "waiting", reason: "ImagePullBackOff", until: now + 10_000 });
    expect(decide(record, waiting, { now })).toEqual({ do: "sandbox" });
    expect(decide({ ...record, reason: "FailedCreatePodSandBox" }, waiting, { now })).toEqual({ do: "nothing", wakeAt: now + 10_000 });
  });

  test("stops and removes what is wanted so", () => {
    const { record, containers } = pod();
    expect(decide({ ...record, wanted: "removed" }, containers, { now })).toEqual({ do: "remove" });
    expect(decide({ ...record, wanted: "stopped" }, containers, { now })).toEqual({ do: "stop" });
    expect(decide({ ...record, wanted: "stopped", sandboxAt: 0 }, containers, { now })).toEqual({ do: "nothing" });
    expect(decide({ ...record, wanted: "stopped", sandboxAt: 0 }, withStates(containers, running()), { now })).toEqual({ do: "stop" });
  });
});

describe("afterEnd()", () => {
  const container = { kind: "main", failures: 0, restarts: 0, name: exampleContainer("main").name } as const;
  const after = (exitCode: number, policy: PodSpec["restartPolicy"], change: Partial<ContainerRecord> = {}) =>
    afterEnd({ ...container, ...change }, exampleEnd(exitCode), { policy, stopping: false });

  test("restarts as the policy says", () => {
    expect(after(0, "Always").state.status).toBe("waiting");
    expect(after(0, "OnFailure").state.status).toBe("terminated");
    expect(after(1, "OnFailure").state.status).toBe("waiting");
    expect(after(1, "Never").state.status).toBe("terminated");
    expect(after(0, "Always", { kind: "init" }).state.status).toBe("terminated");
    expect(after(1, "Always", { kind: "init" }).state.status).toBe("waiting");
  });

  test("restarts at once the first time, then shows CrashLoopBackOff with the time it ends", () => {
    expect(after(1, "Always").state).toEqual({ status: "waiting", reason: "Error" });
    expect(after(1, "Always", { failures: 1 }).state).toMatchObject({ status: "waiting", reason: "CrashLoopBackOff", until: 12_000 });
    expect(after(1, "Always", { failures: 6 }).state).toMatchObject({ until: 302_000 });
  });

  test("keeps a container ended that is being stopped", () => {
    expect(afterEnd(container, exampleEnd(143), { policy: "Always", stopping: true }).state.status).toBe("terminated");
    expect(afterEnd(container, exampleEnd(143), { policy: "Never", stopping: false, hookError: "no" }).state.status).toBe("terminated");
    expect(afterEnd(container, exampleEnd(143), { policy: "Always", stopping: false, hookError: "no" }).state).toEqual({ status: "waiting", reason: "PostStartHookError", message: "no" });
  });
});

test("livePhase() is Pending until every main container has been started once", () => {
  const { containers } = pod(two);
  expect(livePhase(containers)).toBe("Pending");
  expect(livePhase(withStates(containers, exampleEnd(0), exampleEnd(0), running()))).toBe("Pending");
  expect(livePhase(withStates(containers, exampleEnd(0), exampleEnd(0), running(), running()))).toBe("Running");
});

test("derive() returns only what has changed", () => {
  const { record, containers } = pod();
  const up = withStates(containers, running());
  const since = (status: "True" | "False", time: number) => ({ status, since: time });
  const initialized = { PodReadyToStartContainers: since("True", 4), Initialized: since("True", 5) };
  expect(derive(record, containers, now)).toEqual({ initializedAt: now, conditions: { PodReadyToStartContainers: since("True", now), Initialized: since("True", now) } });
  const ready = { ...initialized, ContainersReady: since("True", now), Ready: since("True", now) };
  expect(derive({ ...record, initializedAt: 5, conditions: initialized }, up, now)).toEqual({ phase: "Running", readyAt: now, conditions: ready });
  const settled = { ...record, initializedAt: 5, phase: "Running", readyAt: now, conditions: ready } as const;
  expect(derive(settled, up, now + 9)).toEqual({});
  expect(derive(settled, withStates(containers, exampleEnd(1)), now + 9)).toEqual({
    readyAt: 0, conditions: { ...initialized, ContainersReady: since("False", now + 9), Ready: since("False", now + 9) },
  });
});

describe("decide() with sidecars and hooks", () => {
  const probe = { exec: { command: ["true"] }, initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  const sided = { initContainers: [exampleContainer("one"), exampleContainer("proxy", { restartPolicy: "Always", startupProbe: probe }), exampleContainer("two")] };
  const started = (containers: readonly ContainerRecord[]): readonly ContainerRecord[] =>
    containers.map((each) => (each.kind === "sidecar" && each.state.status === "running" ? { ...each, health: { id: each.state.id, started: true } } : each));

  test("decide() starts what follows a sidecar when its startup probe has succeeded, not before", () => {
    const { record, containers } = pod(sided);
    const up = withStates(containers, exampleEnd(0), running());
    expect(containers.map(({ kind }) => kind)).toEqual(["init", "sidecar", "init", "main"]);
    expect(names(decide(record, withStates(containers, exampleEnd(0)), { now }))).toEqual(["proxy"]);
    expect(names(decide(record, up, { now }))).toEqual(["nothing"]);
    expect(names(decide(record, started(up), { now }))).toEqual(["two"]);
    expect(names(decide(record, started(withStates(containers, exampleEnd(0), running(), exampleEnd(0))), { now }))).toEqual(["main"]);
  });

  test("decide() starts a sidecar again while others initialize, and beside the main containers", () => {
    const { record, containers } = pod({ initContainers: [exampleContainer("proxy", { restartPolicy: "Always" }), exampleContainer("two")] });
    expect(names(decide(record, withStates(containers, { status: "waiting", reason: "Error" }, running()), { now }))).toEqual(["proxy"]);
    expect(names(decide({ ...record, initializedAt: 1 }, withStates(containers, { status: "waiting", reason: "Error" }, exampleEnd(0), running()), { now }))).toEqual(["proxy"]);
  });

  test("decide() finishes a pod whose main containers have ended, whatever its sidecars do or did", () => {
    const { record, containers } = pod({ ...sided, restartPolicy: "Never" });
    expect(decide(record, withStates(containers, exampleEnd(0), running(), exampleEnd(0), exampleEnd(0)), { now })).toEqual({ do: "finish", phase: "Succeeded" });
    expect(decide({ ...record, sandboxAt: 0, phase: "Succeeded" }, withStates(containers, exampleEnd(0), exampleEnd(137), exampleEnd(0), exampleEnd(0)), { now })).toEqual({ do: "nothing" });
  });

  test("decide() starts no main container before the postStart hook of the one before has ended", () => {
    const { record, containers } = pod({ containers: [exampleContainer("one", { lifecycle: { postStart: { sleep: { seconds: 1 } } } }), exampleContainer("two")] });
    expect(names(decide(record, containers, { now }))).toEqual(["one"]);
    const up = withStates(containers, running());
    expect(names(decide(record, up, { now }))).toEqual(["nothing"]);
    const hooked = up.map((each) => ("id" in each.state ? { ...each, health: { id: each.state.id, hooked: true } } : each));
    expect(names(decide(record, hooked, { now }))).toEqual(["two"]);
  });

  test("decide() ends a pod that has been active for too long", () => {
    const { record, containers } = pod({ activeDeadlineSeconds: 20 });
    const up = withStates(containers, running());
    expect(decide(record, up, { now })).toEqual({ do: "nothing", wakeAt: now + 20_000 });
    expect(decide(record, up, { now: now + 20_000 })).toEqual({ do: "expire" });
    expect(decide({ ...record, startedAt: now + 5_000 }, up, { now: now + 20_000 })).toEqual({ do: "nothing", wakeAt: now + 25_000 });
    expect(decide({ ...record, reason: "DeadlineExceeded" }, up, { now: now + 20_000 })).toEqual({ do: "finish", phase: "Failed" });
  });
});

test("afterEnd() asks the rules about the exit code before the policy, and always starts sidecars again", () => {
  const [container] = pod().containers;
  if (container === undefined) throw new Error("no container");
  const after = (exitCode: number, policy: "Always" | "OnFailure" | "Never", operator: "In" | "NotIn") =>
    afterEnd(container, exampleEnd(exitCode), { policy, stopping: false, rules: [{ action: "Restart", exitCodes: { operator, values: [42] } }] }).state.status;
  expect([after(42, "Never", "In"), after(1, "Never", "In"), after(1, "Never", "NotIn"), after(42, "Never", "NotIn")]).toEqual(["waiting", "terminated", "waiting", "terminated"]);
  expect(after(0, "OnFailure", "In")).toBe("terminated");
  expect(afterEnd({ ...container, kind: "sidecar" }, exampleEnd(0), { policy: "Never", stopping: false }).state.status).toBe("waiting");
});

test("backoffText() prints durations as Go does", () => {
  expect([10_000, 80_000, 300_000].map(backoffText)).toEqual(["10s", "1m20s", "5m0s"]);
});
