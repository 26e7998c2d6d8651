import { describe, expect, test } from "bun:test";
import { exampleContainer, examplePod } from "../spec/examples.ts";
import { type PodSpec, type PodUid, serviceName } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { type FakeHost, fakeHost } from "./fake.ts";
import { pauseId } from "./processes.ts";
import { newPod } from "./records.ts";
import { PodWorker } from "./worker.ts";

const stopsQuickly = { terminationGracePeriodSeconds: 1 };

/** A recorded pod, a worker for it, and what a test asks of them. */
function podOn(world: FakeHost, spec: Partial<PodSpec> = {}) {
  const { host } = world;
  const made = newPod({ service: serviceName("shop"), pod: examplePod("web", spec), hash: "", network: "bridge", cgroup: "/wherry/shop", now: world.time });
  const { uid } = host.state.addPod(made.record, made.containers, { subnet: host.bridge.subnet, hostPorts: [] });
  return { uid, worker: workerOf(world, uid, true) };
}

function workerOf(world: FakeHost, uid: PodUid, isNew = false): PodWorker {
  const event = (each: Parameters<PodWorkerEvent>[0]): void =>
    world.host.state.addEvent({ service: serviceName("shop"), namespace: examplePod("web").metadata.namespace, kind: "Pod", name: "web", uid, ...each }, world.time);
  const config = { configMaps: () => [], secrets: () => [] };
  return new PodWorker(uid, { host: world.host, config, reporter: { event, progress: () => {} }, onChange: () => world.changed(), isNew });
}
type PodWorkerEvent = ConstructorParameters<typeof PodWorker>[1]["reporter"]["event"];

const record = (world: FakeHost, uid: PodUid): PodRecord => world.host.state.pod(uid) ?? (() => { throw new Error("no such pod"); })();
const container = (world: FakeHost, uid: PodUid, name = "main"): ContainerRecord =>
  world.host.state.containers(uid).find((each) => each.name === name) ?? (() => { throw new Error("no such container"); })();
const idOf = (each: ContainerRecord): string => ("id" in each.state ? each.state.id : "");
const statusOf = (world: FakeHost, uid: PodUid, name = "main"): string => container(world, uid, name).state.status;

describe("PodWorker", () => {
  test("starts a pod: sandbox, init containers, main containers", async () => {
    using world = fakeHost();
    world.payloads.set("setup", { exit: 0 });
    const { uid, worker } = podOn(world, { initContainers: [exampleContainer("setup")] });
    await worker.poke();
    await world.until(() => record(world, uid).readyAt > 0);
    expect([statusOf(world, uid, "setup"), statusOf(world, uid)]).toEqual(["terminated", "running"]);
    expect(record(world, uid).phase).toBe("Running");
    expect(world.network.attached.has(uid)).toBe(true);
  });

  test("a pod that the host may not run has failed, for good and with nothing made of it", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { securityContext: { sysctls: [{ name: "vm.swappiness", value: "1" }] } });
    await worker.poke();
    await worker.poke();
    expect(record(world, uid)).toMatchObject({ phase: "Failed", reason: "SysctlForbidden", message: 'Pod was rejected: forbidden sysctl: "vm.swappiness" not allowlisted', sandboxAt: 0 });
    expect(world.host.state.events().map(({ reason, count }) => [reason, count])).toEqual([["SysctlForbidden", 1]]);
    expect([...world.standing, ...world.network.interfaces(), ...world.runtime.requests.keys()]).toEqual([]);
  });

  test("containers that share a PID namespace get the same one, and another when its first process was killed", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [exampleContainer("main"), exampleContainer("second")], shareProcessNamespace: true });
    const joined = (): readonly unknown[] =>
      [...world.runtime.requests.values()].filter(({ name }) => name !== "pause").map(({ config }) => config.linux.namespaces.find(({ type }) => type === "pid")?.path);
    await worker.poke();
    const [first, second] = joined();
    expect([first, second]).toEqual([expect.stringMatching(/^\/proc\/\d+\/ns\/pid$/), first]);
    world.runtime.finish(pauseId(uid), 137);
    for (const name of ["main", "second"]) world.runtime.finish(idOf(container(world, uid, name)), 137);
    await world.until(() => ["main", "second"].every((name) => container(world, uid, name).restarts === 1 && statusOf(world, uid, name) === "running"));
    const again = joined();
    expect(new Set(again).size).toBe(1);
    expect(again[0]).not.toBe(first);
    world.host.state.updatePod(uid, { wanted: "removed" });
    await worker.poke();
    expect([...world.runtime.requests.keys()]).toEqual([]);
  });

  test("stop and remove give everything back", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    await worker.poke();
    expect(record(world, uid)).toMatchObject({ sandboxAt: 0, readyAt: 0, phase: "Failed" });
    world.host.state.updatePod(uid, { wanted: "removed" });
    await worker.poke();
    expect(world.host.state.pod(uid)).toBeUndefined();
    expect([...world.standing, ...world.network.interfaces(), ...world.runtime.requests.keys()]).toEqual([]);
  });

  test("the first restart is at once, the second after 10 seconds, and both are counted", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    world.runtime.finish(idOf(container(world, uid)), 3);
    await world.until(() => container(world, uid).restarts === 1 && statusOf(world, uid) === "running");
    world.runtime.finish(idOf(container(world, uid)), 3);
    await world.until(() => statusOf(world, uid) === "waiting");
    expect(container(world, uid).state).toMatchObject({ reason: "CrashLoopBackOff", until: world.time + 10_000 });
    world.time += 10_000;
    await worker.poke();
    expect([statusOf(world, uid), container(world, uid).restarts]).toEqual(["running", 2]);
  });

  test("a container whose monitor was killed is made anew by the restart policy", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { restartPolicy: "OnFailure" });
    await worker.poke();
    const before = idOf(container(world, uid));
    world.runtime.dieMonitor(before);
    await world.until(() => statusOf(world, uid) === "running" && idOf(container(world, uid)) !== before);
    expect(container(world, uid).last).toMatchObject({ reason: "ContainerStatusUnknown", exitCode: 137 });
  });

  test("a container whose monitor was killed fails a pod that restarts nothing", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { restartPolicy: "Never" });
    await worker.poke();
    world.runtime.dieMonitor(idOf(container(world, uid)));
    await world.until(() => record(world, uid).phase === "Failed");
    expect([...world.network.interfaces()]).toEqual([]);
  });

  test("a start that is refused is no restart", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    world.payloads.set("main", { refuses: "out of luck" });
    world.runtime.finish(idOf(container(world, uid)), 3);
    await world.until(() => container(world, uid).state.status === "waiting" && container(world, uid).failures === 2);
    expect(container(world, uid).state).toMatchObject({ reason: "CreateContainerError", until: world.time + 10_000 });
    expect(container(world, uid)).toMatchObject({ restarts: 0, previousLogPath: "" });
    world.payloads.delete("main");
    world.time += 10_000;
    await worker.poke();
    expect(container(world, uid)).toMatchObject({ restarts: 1, state: { status: "running" } });
    expect(container(world, uid).previousLogPath).toEndWith("/main/0.log");
  });

  test("retry() ends the back-off of a container that could not be made, and not that of one that ended", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [exampleContainer("main"), exampleContainer("side")] });
    world.payloads.set("main", { refuses: "out of luck" });
    await worker.poke();
    for (const count of [1, 2]) {
      await world.until(() => container(world, uid, "side").state.status === "running");
      world.runtime.finish(idOf(container(world, uid, "side")), 3);
      await world.until(() => container(world, uid, "side").failures === count);
    }
    world.payloads.delete("main");
    worker.retry();
    await world.until(() => container(world, uid).state.status === "running");
    expect(container(world, uid, "side").state).toMatchObject({ status: "waiting", reason: "CrashLoopBackOff" });
  });

  test("SIGKILL comes when the grace period is over, not before", async () => {
    using world = fakeHost();
    world.payloads.set("main", { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world);
    await worker.poke();
    const id = idOf(container(world, uid));
    world.host.state.updatePod(uid, { wanted: "stopped" });
    const begun = performance.now();
    worker.hurry(0.2);
    await worker.poke();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(200);
    expect(world.runtime.calls.filter((call) => call.startsWith("kill"))).toEqual([`kill ${id} SIGTERM`, `kill ${id} SIGKILL`]);
  });

  test("a clock that is set does not shorten a grace period", async () => {
    using world = fakeHost();
    world.payloads.set("main", { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world);
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    worker.hurry(0.2);
    const begun = performance.now();
    const stopped = worker.poke();
    setTimeout(() => void (world.time += 3_600_000), 20);
    await stopped;
    expect(performance.now() - begun).toBeGreaterThanOrEqual(200);
  });

  test("hurry cuts a grace period that runs already", async () => {
    using world = fakeHost();
    world.payloads.set("main", { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world);
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    const stopped = worker.poke();
    setTimeout(() => worker.hurry(0), 20);
    await stopped;
    expect(container(world, uid).state).toMatchObject({ status: "terminated", exitCode: 137 });
  });

  test("all containers share one grace period", async () => {
    using world = fakeHost();
    const names = ["one", "two", "three"];
    for (const name of names) world.payloads.set(name, { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world, { containers: names.map((name) => exampleContainer(name)) });
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    const begun = performance.now();
    worker.hurry(0.2);
    await worker.poke();
    expect(performance.now() - begun).toBeLessThan(590);
  });

  test("a grace period longer than a timer can be is waited for", async () => {
    using world = fakeHost();
    world.payloads.set("main", { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world, { terminationGracePeriodSeconds: 2 ** 31 - 1 });
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    const stopped = worker.poke();
    await Bun.sleep(20);
    expect(world.runtime.calls.some((call) => call.endsWith("SIGKILL"))).toBe(false);
    worker.hurry(0);
    await stopped;
  });
});

describe("PodWorker after a crash", () => {
  test("adopts what lives", async () => {
    using world = fakeHost();
    const first = podOn(world);
    await first.worker.poke();
    const before = idOf(container(world, first.uid));
    first.worker[Symbol.dispose]();
    const second = workerOf(world, first.uid);
    await second.poke();
    expect(idOf(container(world, first.uid))).toBe(before);
    world.runtime.finish(before, 0);
    await world.until(() => container(world, first.uid).restarts === 1);
  });

  test("records an end that nobody saw, once", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    worker[Symbol.dispose]();
    world.runtime.finish(idOf(container(world, uid)), 4);
    await workerOf(world, uid).poke();
    expect(container(world, uid)).toMatchObject({ restarts: 1, failures: 1, last: { exitCode: 4 }, state: { status: "running" } });
  });

  test("unmakes a container that was being made", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    worker[Symbol.dispose]();
    const before = idOf(container(world, uid));
    const { state } = container(world, uid);
    if (state.status === "running") world.host.state.updateContainer(uid, container(world, uid).name, { state: { status: "creating", id: state.id } });
    await workerOf(world, uid).poke();
    expect(world.runtime.requests.has(before)).toBe(false);
    expect(statusOf(world, uid)).toBe("running");
  });

  test("makes a lost sandbox anew, with everything in it", async () => {
    using world = fakeHost();
    world.payloads.set("setup", { exit: 0 });
    const { uid, worker } = podOn(world, { initContainers: [exampleContainer("setup")] });
    await worker.poke();
    worker[Symbol.dispose]();
    const before = idOf(container(world, uid));
    for (const path of [...world.standing].filter((each) => each.endsWith("ns"))) world.host.kernel.removeNamespaces({ ipc: path });
    await workerOf(world, uid).poke();
    await world.until(() => statusOf(world, uid) === "running" && idOf(container(world, uid)) !== before);
    expect(record(world, uid).sandboxAt).toBeGreaterThan(0);
  });

  test("takes back a sandbox that was never finished of a pod that shall not run", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    worker[Symbol.dispose]();
    world.runtime.finish(idOf(container(world, uid)), 0);
    world.host.state.updateContainer(uid, container(world, uid).name, { state: { status: "waiting", reason: "ContainerCreating" } });
    world.host.state.updatePod(uid, { wanted: "stopped", sandboxAt: 0 });
    await workerOf(world, uid).poke();
    expect([...world.standing].filter((each) => !each.endsWith("rootfs"))).toEqual([]);
    expect(world.network.attached.size).toBe(0);
  });

  test("goes on with an interrupted removal", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    await worker.poke();
    worker[Symbol.dispose]();
    world.host.state.updatePod(uid, { wanted: "removed" });
    await workerOf(world, uid).poke();
    expect(world.host.state.pod(uid)).toBeUndefined();
  });

  test("lets go in the middle of a stop without recording an end that has not come", async () => {
    using world = fakeHost();
    world.payloads.set("main", { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world);
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    worker.nudge();
    await Bun.sleep(10);
    worker[Symbol.dispose]();
    await Bun.sleep(10);
    expect([statusOf(world, uid), record(world, uid).sandboxAt > 0]).toEqual(["running", true]);
    expect(world.runtime.calls.some((call) => call.endsWith("SIGKILL"))).toBe(false);
  });
});

describe("PodWorker when something fails", () => {
  test("a sandbox that cannot be made is taken back, told, and tried again", async () => {
    using world = fakeHost();
    world.broken.add("attach web");
    const { uid, worker } = podOn(world);
    await worker.poke();
    expect(record(world, uid)).toMatchObject({ sandboxAt: 0, reason: "FailedCreatePodSandBox" });
    expect([...world.standing]).toEqual([]);
    world.broken.clear();
    world.time += 1000;
    await worker.poke();
    expect(record(world, uid)).toMatchObject({ reason: "", phase: "Running" });
  });

  test("tells why a sandbox cannot be made even when it cannot be taken back", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    world.broken.add("attach web").add(`remove cgroup /wherry/shop/${uid}`);
    await expect(worker.poke()).rejects.toThrow("it is broken");
    expect(record(world, uid).reason).toBe("FailedCreatePodSandBox");
    world.broken.clear();
    world.time += 10_000;
    await worker.poke();
    expect(record(world, uid).phase).toBe("Running");
  });

  test("an end is recorded although the container cannot be cleaned up", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { restartPolicy: "Never" });
    await worker.poke();
    world.broken.add("remove main");
    world.runtime.finish(idOf(container(world, uid)), 5);
    await world.until(() => statusOf(world, uid) === "terminated");
    expect(container(world, uid).state).toMatchObject({ exitCode: 5 });
  });

  test("a container that can be neither made nor taken back is undone before the next try", async () => {
    using world = fakeHost();
    world.payloads.set("main", { refuses: "out of luck" });
    world.broken.add("remove main");
    const { uid, worker } = podOn(world);
    await expect(worker.poke()).rejects.toThrow("it is broken");
    expect(statusOf(world, uid)).toBe("creating");
    world.broken.clear();
    world.payloads.clear();
    await worker.poke();
    expect(statusOf(world, uid)).toBe("running");
  });

  test("what is asked for while a step fails is done at once", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world);
    world.broken.add("attach web").add(`remove cgroup /wherry/shop/${uid}`);
    const first = worker.poke();
    first.catch(() => {});
    await world.until(() => record(world, uid).reason !== "");
    world.broken.clear();
    world.host.state.updatePod(uid, { wanted: "removed" });
    await Promise.allSettled([first, worker.poke()]);
    expect(world.host.state.pod(uid)).toBeUndefined();
  });

  test("a poke at the very end of a round is not lost", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, stopsQuickly);
    const stopped = worker.poke().then(async () => {
      world.host.state.updatePod(uid, { wanted: "stopped" });
      await worker.poke();
    });
    await stopped;
    expect(record(world, uid).sandboxAt).toBe(0);
  });

  test("a pod that is started again while it stops starts from its beginning", async () => {
    using world = fakeHost();
    world.payloads.set("setup", { exit: 0 });
    world.payloads.set("main", { ignores: ["SIGTERM"] });
    const { uid, worker } = podOn(world, { initContainers: [exampleContainer("setup")] });
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    worker.hurry(0.05);
    const stopped = worker.poke();
    await Bun.sleep(10);
    world.host.state.updatePod(uid, { wanted: "running" });
    await stopped;
    await world.until(() => record(world, uid).readyAt > 0);
    expect(container(world, uid, "setup").restarts).toBe(1);
  });
});
