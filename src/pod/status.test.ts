import { describe, expect, test } from "bun:test";
import type { ContainerState } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { podConditions } from "./conditions.ts";
import { kubernetesForm, podObject, podStatus, readyWord, restartsOf, statusWord } from "./status.ts";
import { closedGates } from "./readiness.ts";
import { containerRecord, containerSpec, ended, ID, MINUTE, NOW, podRecord, running, waiting } from "./testing.ts";

const NODE = { name: "host", ip: "192.0.2.1" };
const creating: ContainerState = { status: "creating", id: ID("e") };

/** A pod with init containers and main containers in these states, in this order. */
function world(states: { readonly init?: readonly ContainerState[]; readonly main: readonly ContainerState[] }, change: Partial<PodRecord> = {}): { record: PodRecord; containers: readonly ContainerRecord[] } {
  const { init = [], main } = states;
  const spec = { initContainers: init.map((_, at) => containerSpec(`init-${at}`)), containers: main.map((_, at) => containerSpec(`main-${at}`)) };
  const record = { ...podRecord("web", { spec }), initializedAt: init.every((state) => state.status === "terminated" && state.exitCode === 0) ? NOW : 0, ...change };
  return {
    record,
    containers: [
      ...init.map((state, position) => containerRecord(record, `init-${position}`, { kind: "init", position, state })),
      ...main.map((state, position) => containerRecord(record, `main-${position}`, { position, state })),
    ],
  };
}

describe("statusWord", () => {
  const idle = [waiting("PodInitializing")];
  const table: readonly (readonly [string, string, ReturnType<typeof world>])[] = [
    ["Running", "1/1", world({ main: [running("a")] })],
    ["Created", "0/1", world({ main: [waiting("ContainerCreating")] }, { phase: "Pending", readyAt: 0, wanted: "stopped" })],
    ["ContainerCreating", "0/1", world({ main: [waiting("ContainerCreating")] }, { phase: "Pending", readyAt: 0 })],
    ["ContainerCreating", "0/1", world({ main: [creating] }, { phase: "Pending", readyAt: 0 })],
    ["PodInitializing", "0/1", world({ init: [ended("1", 0)], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:0/2", "0/1", world({ init: [running("1"), waiting("PodInitializing")], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:1/2", "0/1", world({ init: [ended("1", 0), creating], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:Error", "0/1", world({ init: [ended("1", 1)], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:OOMKilled", "0/1", world({ init: [ended("1", 137, { reason: "OOMKilled" })], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:ExitCode:3", "0/1", world({ init: [ended("1", 3, { reason: "" })], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:Signal:9", "0/1", world({ init: [ended("1", 137, { reason: "", signal: 9 })], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:CrashLoopBackOff", "0/1", world({ init: [waiting("CrashLoopBackOff")], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["Init:ErrImageNeverPull", "0/1", world({ init: [waiting("ErrImageNeverPull")], main: idle }, { phase: "Pending", readyAt: 0 })],
    ["CrashLoopBackOff", "0/1", world({ main: [waiting("CrashLoopBackOff")] }, { readyAt: 0 })],
    ["CrashLoopBackOff", "1/2", world({ main: [running("a"), waiting("CrashLoopBackOff")] }, { readyAt: 0 })],
    ["ErrImageNeverPull", "0/1", world({ main: [waiting("ErrImageNeverPull")] }, { phase: "Pending", readyAt: 0 })],
    ["CreatePodSandboxError", "0/1", world({ main: [waiting("ContainerCreating")] }, { phase: "Pending", readyAt: 0, reason: "CreatePodSandboxError" })],
    ["Error", "0/1", world({ main: [ended("a", 1)] }, { phase: "Failed", readyAt: 0 })],
    ["OOMKilled", "0/1", world({ main: [ended("a", 137, { reason: "OOMKilled" })] }, { phase: "Failed", readyAt: 0 })],
    ["StartError", "0/1", world({ main: [ended("a", 128, { reason: "StartError" })] }, { readyAt: 0 })],
    ["Signal:9", "0/1", world({ main: [ended("a", 137, { reason: "", signal: 9 })] }, { readyAt: 0 })],
    ["Completed", "0/1", world({ main: [ended("a", 0)] }, { phase: "Succeeded", readyAt: 0 })],
    ["NotReady", "1/2", world({ main: [ended("a", 0), running("b")] }, { readyAt: 0 })],
    ["Terminating", "1/1", world({ main: [running("a")] }, { wanted: "removed" })],
    ["Completed", "0/1", world({ main: [ended("a", 0)] }, { phase: "Succeeded", wanted: "removed", readyAt: 0 })],
  ];
  test.each(table)("statusWord() says %s, readyWord() says %s", (word, ready, { record, containers }) => {
    expect(statusWord(record, containers)).toBe(word);
    expect(readyWord(record, containers)).toBe(ready);
  });
});

describe("restartsOf", () => {
  test("restartsOf() counts init containers while they run, main containers afterwards", () => {
    const { record, containers } = world({ init: [running("1")], main: [running("a")] });
    const counted = containers.map((each) => ({ ...each, restarts: each.kind === "init" ? 2 : 5, last: ended("f", 1) }));
    expect(restartsOf(record, counted)).toEqual({ count: 2, lastAt: NOW - MINUTE });
    expect(restartsOf({ ...record, initializedAt: NOW }, counted).count).toBe(5);
    expect(restartsOf(record, [])).toEqual({ count: 0, lastAt: 0 });
  });
});

describe("podConditions", () => {
  const summary = (record: PodRecord, containers: readonly ContainerRecord[]): readonly string[] =>
    podConditions(record, containers).map(({ type, status, reason, message }) => [type, status, reason, message].filter((each) => each !== undefined).join(" "));

  test("podConditions() of a ready pod are all True", () => {
    const { record, containers } = world({ init: [ended("1", 0)], main: [running("a")] });
    expect(podConditions(record, containers).every((each) => each.status === "True")).toBe(true);
    expect(podConditions(record, containers).find((each) => each.type === "Ready")?.lastTransitionTime).toBe(record.readyAt);
  });

  test("podConditions() name what is missing", () => {
    const { record, containers } = world({ init: [running("1")], main: [waiting("PodInitializing")] }, { phase: "Pending", readyAt: 0, sandboxAt: 0 });
    expect(summary(record, containers)).toEqual([
      "PodReadyToStartContainers False",
      "Initialized False ContainersNotInitialized containers with incomplete status: [init-0]",
      "Ready False ContainersNotReady containers with unready status: [main-0]",
      "ContainersReady False ContainersNotReady containers with unready status: [main-0]",
      "PodScheduled True",
    ]);
  });

  test("podConditions() of an ended pod say how it ended, and when", () => {
    const { record, containers } = world({ main: [ended("a", 0)] }, { phase: "Succeeded", readyAt: 0 });
    expect(summary(record, containers)[2]).toBe("Ready False PodCompleted");
    expect(podConditions(record, containers)[2]?.lastTransitionTime).toBe(NOW - MINUTE);
    expect(summary({ ...record, phase: "Failed" }, containers)[2]).toBe("Ready False PodFailed");
  });
});

describe("podStatus", () => {
  test("podStatus() writes states as Kubernetes does", () => {
    const { record, containers } = world({ main: [waiting("CrashLoopBackOff")] }, { readyAt: 0 });
    const [only] = containers;
    const crashed = only === undefined ? [] : [{ ...only, restarts: 3, last: ended("d", 137, { reason: "OOMKilled", signal: 9, message: "bye", startedAt: 0 }) }];
    expect(podStatus(record, crashed, NODE)).toMatchObject({
      phase: "Running",
      hostIP: "192.0.2.1",
      podIP: "10.89.0.2",
      podIPs: [{ ip: "10.89.0.2" }],
      startTime: "2026-03-01T11:56:00Z",
      qosClass: "BestEffort",
      containerStatuses: [{
        name: "main-0", ready: false, started: false, restartCount: 3, imageID: "sha256:1234", containerID: `wherry://${ID("d")}`,
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { exitCode: 137, signal: 9, reason: "OOMKilled", message: "bye", startedAt: null, finishedAt: "2026-03-01T11:59:00Z", containerID: `wherry://${ID("d")}` } },
      }],
    });
  });

  test("podStatus() says what a container that has been made has, and who it is", () => {
    const user = { uid: 1000, gid: 2000, supplementalGroups: [2000, 4000] };
    const spec = { containers: [containerSpec("main", { resources: { limits: { cpu: "500m" }, requests: { memory: "1Mi" } }, lifecycle: { stopSignal: "SIGUSR1" } })] };
    const record = podRecord("web", { spec });
    const of = (change: Partial<ContainerRecord>, pod = record): unknown => {
      const { allocatedResources, resources, user: who, stopSignal } = JSON.parse(JSON.stringify(podStatus(pod, [containerRecord(pod, "main", change)], NODE)["containerStatuses"]))[0];
      return [allocatedResources, resources, who?.linux, stopSignal];
    };
    const requests = { cpu: "500m", memory: "1Mi" };
    const made: readonly unknown[] = [requests, { limits: { cpu: "500m" }, requests }, user, "SIGUSR1"];
    expect(of({ user })).toEqual(made);
    expect(of({ user, state: waiting("CrashLoopBackOff"), last: ended("d", 1) })).toEqual(made);
    expect(of({ user, state: creating })).toEqual(made.with(2, undefined));
    expect(of({ state: waiting("ContainerCreating") })).toEqual([undefined, undefined, undefined, undefined]);
    expect(of({ user }, podRecord("plain"))).toEqual([undefined, {}, user, undefined]);
  });

  test("podStatus() names the addresses of both families, IPv4 first", () => {
    const { record, containers } = world({ main: [running("a")] });
    const node = { ...NODE, ip6: "2001:db8::1" };
    const both = [{ ip: "192.0.2.1" }, { ip: "2001:db8::1" }];
    expect(podStatus({ ...record, ip6: "fd00::2" }, containers, node)).toMatchObject({ podIP: "10.89.0.2", podIPs: [{ ip: "10.89.0.2" }, { ip: "fd00::2" }], hostIP: "192.0.2.1", hostIPs: both });
    expect(podStatus({ ...record, network: "host", ip: "" }, containers, node)).toMatchObject({ podIP: "192.0.2.1", podIPs: both });
  });

  test("podStatus() of a pod on the host network has the host's address", () => {
    const { record, containers } = world({ main: [running("a")] }, { network: "host", ip: "" });
    expect(podStatus(record, containers, NODE)).toMatchObject({ podIP: "192.0.2.1" });
    expect(podStatus({ ...record, network: "none" }, containers, NODE)).not.toHaveProperty("podIP");
  });
});

describe("podObject", () => {
  test("podObject() marks a pod that is being removed", () => {
    const { record, containers } = world({ main: [running("a")] }, { wanted: "removed" });
    const options = { now: NOW, node: NODE };
    expect(podObject(record, containers, options)["metadata"]).toMatchObject({ deletionTimestamp: "2026-03-01T12:00:00Z", deletionGracePeriodSeconds: 30 });
    expect(podObject({ ...record, wanted: "running" }, containers, options)["metadata"]).not.toHaveProperty("deletionTimestamp");
  });
});

describe("kubernetesForm", () => {
  test("kubernetesForm() leaves out what the API leaves out, and keeps what means something", () => {
    expect(kubernetesForm({ a: [], b: false, c: { emptyDir: {} }, d: [{ e: "", f: [] }], g: 0, h: true, i: undefined })).toEqual({ c: { emptyDir: {} }, d: [{ e: "" }], g: 0, h: true });
  });
});

describe("status of probed containers, sidecars and gates", () => {
  const probe = { exec: { command: ["true"] }, initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  const spec = {
    initContainers: [containerSpec("proxy", { restartPolicy: "Always" }), containerSpec("setup")],
    containers: [containerSpec("main", { startupProbe: probe, readinessProbe: probe })],
  };
  const record = podRecord("web", { spec, initializedAt: 0, readyAt: 0, phase: "Pending" });
  const proxy = containerRecord(record, "proxy", { kind: "sidecar", state: running("1") });
  const setup = containerRecord(record, "setup", { kind: "init", position: 1, state: running("2") });
  const main = (health?: Partial<NonNullable<ContainerRecord["health"]>>): ContainerRecord =>
    containerRecord(record, "main", health === undefined ? {} : { health: { id: ID("a"), ...health } });
  const initialized = { ...record, initializedAt: NOW - MINUTE, phase: "Running" } as const;
  const done = { ...setup, state: ended("2", 0) };

  test("readyWord() and statusWord() count sidecars as kubectl does", () => {
    const waits = containerRecord(record, "main", { state: waiting("PodInitializing") });
    expect([readyWord(record, [proxy, setup, waits]), statusWord(record, [proxy, setup, waits])]).toEqual(["1/2", "Init:1/2"]);
    const stopped = { ...proxy, state: waiting("CrashLoopBackOff") };
    expect([readyWord(record, [stopped, setup, waits]), statusWord(record, [stopped, setup, waits])]).toEqual(["0/2", "Init:CrashLoopBackOff"]);
    expect([readyWord(initialized, [proxy, done, main()]), statusWord(initialized, [proxy, done, main()])]).toEqual(["1/2", "Running"]);
    expect(readyWord(initialized, [proxy, done, main({ started: true, ready: true })])).toBe("2/2");
  });

  test("podStatus() tells apart what runs, has started and is ready", () => {
    const of = (each: ContainerRecord) => {
      const { ready, started, state } = JSON.parse(JSON.stringify(podStatus(initialized, [proxy, done, each], NODE)["containerStatuses"]))[0];
      return { ready, started, running: "running" in state };
    };
    expect(of(main())).toEqual({ ready: false, started: false, running: true });
    expect(of(main({ started: true }))).toEqual({ ready: false, started: true, running: true });
    expect(of(main({ started: true, ready: true }))).toEqual({ ready: true, started: true, running: true });
    expect(of(main({ id: ID("f"), started: true, ready: true }))).toEqual({ ready: false, started: false, running: true });
  });

  test("podConditions() keep their times until their status changes", () => {
    const conditions = { Ready: { status: "False", since: 7_000 }, ContainersReady: { status: "True", since: 8_000 } } as const;
    const times = Object.fromEntries(podConditions({ ...initialized, conditions }, [proxy, done, main()]).map(({ type, status, lastTransitionTime }) => [type, [status, lastTransitionTime]]));
    expect(times["Ready"]).toEqual(["False", 7_000]);
    expect(times["ContainersReady"]?.[0]).toBe("False");
    expect(times["ContainersReady"]?.[1]).not.toBe(8_000);
  });

  test("podConditions() hold a pod back until its readiness gates are open", () => {
    const gated = { ...initialized, pod: { ...initialized.pod, spec: { ...initialized.pod.spec, readinessGates: [{ conditionType: "a/b" }] } } };
    const ready = [proxy, done, main({ started: true, ready: true })];
    const summary = (change: Partial<PodRecord>) => podConditions({ ...gated, ...change }, ready).filter(({ type }) => ["a/b", "Ready", "ContainersReady"].includes(type)).map(({ type, status, reason = "" }) => `${type} ${status} ${reason}`.trim());
    expect(summary({})).toEqual(["Ready False ReadinessGatesNotReady", "ContainersReady True"]);
    expect(summary({ conditions: { "a/b": { status: "True", since: 1 } }, readyAt: 5 })).toEqual(["a/b True", "Ready True", "ContainersReady True"]);
    expect(closedGates(gated)).toEqual(['corresponding condition of pod readiness gate "a/b" does not exist.']);
    expect(closedGates({ ...gated, conditions: { "a/b": { status: "False", since: 1 } } })).toEqual(['the status of pod readiness gate "a/b" is not "True", but False']);
  });
});
