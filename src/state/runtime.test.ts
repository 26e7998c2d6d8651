import { expect, test } from "bun:test";
import { join } from "node:path";
import { containerName, serviceName, type ContainerState, type Terminated } from "../spec/spec.ts";
import { containerRecord, ID, podRecord, serviceRun, temporaryDirectory } from "./fixtures.ts";
import { openRuntime } from "./mod.ts";
import type { RuntimeState } from "./state.ts";

function runtime(): Disposable & { readonly state: RuntimeState } {
  const directory = temporaryDirectory();
  const state = openRuntime(join(directory.path, "run.db"));
  return {
    state,
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

test("RuntimeState.putRun(), updateRun() and removeRun() keep one run per service", () => {
  using it = runtime();
  const shop = serviceName("shop");
  it.state.putRun(serviceRun());
  it.state.putRun({ ...serviceRun(), unit: "wherry@-srv-shop.yaml.service" });
  it.state.updateRun(shop, { phase: "running", monitorPid: 12, status: "2/2 pods ready" });
  it.state.updateRun(serviceName("absent"), { phase: "running" });
  const expected = { ...serviceRun(), unit: "wherry@-srv-shop.yaml.service", phase: "running" as const, monitorPid: 12, status: "2/2 pods ready" };
  expect([it.state.run("shop"), it.state.runs()]).toEqual([expected, [expected]]);
  it.state.removeRun(shop);
  it.state.removeRun(shop);
  expect(it.state.run("shop")).toBeUndefined();
});

const terminated: Terminated = { status: "terminated", id: ID, exitCode: 137, signal: 9, reason: "OOMKilled", message: "m", startedAt: 1, finishedAt: 2 };
const STATES: readonly ContainerState[] = [
  { status: "waiting", reason: "CrashLoopBackOff", message: "back-off 10s", until: 5 },
  { status: "waiting", reason: "ContainerCreating" },
  { status: "creating", id: ID },
  { status: "running", id: ID, pid: 4, startedAt: 3 },
  terminated,
  { status: "terminated", id: ID, exitCode: 0, reason: "Completed", startedAt: 1, finishedAt: 2 },
];

test.each(STATES)("RuntimeState.updateContainer() keeps the state %p", (state) => {
  using it = runtime();
  const pod = podRecord();
  it.state.addPod(pod, [containerRecord(pod.uid)], { subnet: "10.89.0.0/16", hostPorts: [] });
  it.state.updateContainer(pod.uid, containerName("nginx"), { state, last: terminated, restarts: 2 });
  expect(it.state.containers(pod.uid)).toEqual([containerRecord(pod.uid, "nginx", { state, last: terminated, restarts: 2 })]);
});

test("RuntimeState.containers() lists init containers first, each list in its order", () => {
  using it = runtime();
  const pod = podRecord();
  const given = [
    containerRecord(pod.uid, "b", { position: 1 }), containerRecord(pod.uid, "a", { position: 0 }),
    containerRecord(pod.uid, "z", { position: 1, kind: "init" }), containerRecord(pod.uid, "y", { position: 0, kind: "init" }),
  ];
  it.state.addPod(pod, given, { subnet: "10.89.0.0/16", hostPorts: [] });
  for (const list of [it.state.containers(), it.state.containers(pod.uid)]) expect(list.map(({ name }) => name as string)).toEqual(["y", "z", "a", "b"]);
  expect(it.state.containers("absent")).toEqual([]);
});

test("RuntimeState.transaction() keeps several changes together", () => {
  using it = runtime();
  expect(() => it.state.transaction(() => {
    it.state.putRun(serviceRun());
    throw new RangeError("stop");
  })).toThrow(RangeError);
  expect(it.state.runs()).toEqual([]);
  expect(it.state.transaction(() => (it.state.putRun(serviceRun()), it.state.runs().length))).toBe(1);
});
