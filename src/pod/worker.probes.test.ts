import { describe, expect, test } from "bun:test";
import { exampleContainer, examplePod } from "../spec/examples.ts";
import { type Container, containerName, type PodSpec, type PodUid, serviceName } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import { type FakeHost, fakeHost } from "./fake.ts";
import { newPod } from "./records.ts";
import { PodWorker } from "./worker.ts";

/** Probes every ten milliseconds. */
const quick = { initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 0.01, successThreshold: 1, failureThreshold: 2 };
const exec = (word: string) => ({ exec: { command: [word] }, ...quick });

/** A pod whose probes and hooks answer by their command: what is in `failing` ends with 1. */
function podOn(world: FakeHost, spec: Partial<PodSpec>): { readonly uid: PodUid; readonly worker: PodWorker; readonly failing: Set<string>; readonly takeOver: () => PodWorker } {
  const failing = new Set<string>();
  world.runtime.onRun(({ args: [word = ""] }) => ({ is: "ended", status: failing.has(word) ? 1 : 0, output: `${word} says so` }));
  const made = newPod({ service: serviceName("shop"), pod: examplePod("web", spec), hash: "", network: "none", cgroup: "/wherry/shop", now: world.time });
  const { uid } = world.host.state.addPod(made.record, made.containers, { hostPorts: [] });
  const event: ConstructorParameters<typeof PodWorker>[1]["reporter"]["event"] = (each) =>
    world.host.state.addEvent({ service: serviceName("shop"), namespace: examplePod("web").metadata.namespace, kind: "Pod", name: "web", uid, ...each }, world.time);
  const config = { configMaps: () => [], secrets: () => [] };
  const work = (isNew: boolean): PodWorker => new PodWorker(uid, { host: world.host, config, reporter: { event, progress: () => world.changed() }, onChange: () => world.changed(), isNew });
  return { uid, failing, worker: work(true), takeOver: () => work(false) };
}

const containerOf = (world: FakeHost, uid: PodUid, name = "main"): ContainerRecord | undefined => world.host.state.containers(uid).find((each) => each.name === name);
const isReady = (world: FakeHost, uid: PodUid): boolean => (world.host.state.pod(uid)?.readyAt ?? 0) > 0;
const messages = (world: FakeHost): readonly string[] => world.host.state.events().map(({ reason, message }) => `${reason}: ${message}`);
const one = (more: Partial<Container>): Partial<PodSpec> => ({ containers: [exampleContainer("main", more)] });

describe("PodWorker with probes", () => {
  test("PodWorker makes a pod Ready and not Ready by its readiness probe", async () => {
    using world = fakeHost();
    const { uid, worker, failing } = podOn(world, one({ readinessProbe: exec("ready") }));
    using _ = worker;
    failing.add("ready");
    await worker.poke();
    await world.until(() => containerOf(world, uid)?.health?.why !== undefined);
    expect(isReady(world, uid)).toBe(false);
    failing.delete("ready");
    await world.until(() => isReady(world, uid));
    failing.add("ready");
    await world.until(() => !isReady(world, uid));
    expect(messages(world)).toContain("Unhealthy: Readiness probe failed: ready says so");
    expect(containerOf(world, uid)).toMatchObject({ restarts: 0, state: { status: "running" } });
  });

  test("PodWorker ends a container that fails its liveness probe, and starts it again", async () => {
    using world = fakeHost();
    const { uid, worker, failing } = podOn(world, one({ livenessProbe: exec("alive") }));
    using _ = worker;
    await worker.poke();
    failing.add("alive");
    await world.until(() => containerOf(world, uid)?.last !== undefined);
    failing.delete("alive");
    await world.until(() => containerOf(world, uid)?.restarts === 1 && containerOf(world, uid)?.state.status === "running");
    expect(messages(world)).toContain("Killing: Container main failed liveness probe, will be restarted");
    expect(world.runtime.calls.filter((call) => call.endsWith("SIGTERM"))).toHaveLength(1);
  });

  test("PodWorker does not start again what fails its startup probe when nothing is restarted", async () => {
    using world = fakeHost();
    const { uid, worker, failing } = podOn(world, { ...one({ startupProbe: exec("up") }), restartPolicy: "Never" });
    using _ = worker;
    failing.add("up");
    await worker.poke();
    await world.until(() => world.host.state.pod(uid)?.phase === "Failed");
    expect(messages(world)).toContain("Killing: Container main failed startup probe");
  });

  test("PodWorker asks no other probe before the startup probe has succeeded", async () => {
    using world = fakeHost();
    const { uid, worker, failing } = podOn(world, one({ startupProbe: { ...exec("up"), failureThreshold: 1000 }, livenessProbe: exec("alive"), readinessProbe: exec("ready") }));
    using _ = worker;
    failing.add("up");
    await worker.poke();
    const asked = (word: string): number => world.runtime.calls.filter((call) => call.startsWith("run ") && call.endsWith(word)).length;
    while (asked(" up") < 3) await Bun.sleep(5);
    expect([asked(" alive"), asked(" ready")]).toEqual([0, 0]);
    failing.delete("up");
    await world.until(() => isReady(world, uid));
    const tries = asked(" up");
    while (asked(" alive") < 2) await Bun.sleep(5);
    expect(asked(" up")).toBe(tries);
  });

  test("PodWorker ends a container whose postStart hook fails, and starts the next one when it succeeds", async () => {
    using world = fakeHost();
    const { uid, worker, failing } = podOn(world, { containers: [exampleContainer("main", { lifecycle: { postStart: { exec: { command: ["hook"] } } } }), exampleContainer("next")] });
    using _ = worker;
    failing.add("hook");
    await worker.poke();
    await world.until(() => containerOf(world, uid)?.last !== undefined);
    expect(containerOf(world, uid, "next")?.state.status).toBe("waiting");
    failing.delete("hook");
    await world.until(() => isReady(world, uid));
    expect(messages(world)).toEqual(expect.arrayContaining(["FailedPostStartHook: PostStartHook failed", "Killing: FailedPostStartHook"]));
  });

  test("PodWorker shows what a postStart hook failed with, then the back-off", async () => {
    using world = fakeHost();
    const { uid, worker, failing } = podOn(world, one({ lifecycle: { postStart: { exec: { command: ["hook"] } } } }));
    using _ = worker;
    failing.add("hook");
    await worker.poke();
    const waits = () => (containerOf(world, uid)?.state.status === "waiting" ? containerOf(world, uid)?.state : undefined);
    await world.until(() => containerOf(world, uid)?.restarts === 1 && waits() !== undefined);
    expect(waits()).toMatchObject({
      reason: "PostStartHookError", until: world.time + 10_000,
      message: `Exec lifecycle hook ([hook]) for Container "main" in Pod "web_default(${uid})" failed - error: command 'hook' exited with 1: hook says so, message: "hook says so"`,
    });
    expect(messages(world)).not.toContainEqual(expect.stringContaining("BackOff"));
    world.time += 1_000;
    await worker.poke();
    expect(waits()).toEqual({ status: "waiting", reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container", until: world.time + 9_000 });
    expect(messages(world)).toContain("BackOff: Back-off 10s restarting failed container main in pod web");
    failing.delete("hook");
    world.time += 9_000;
    await worker.poke();
    await world.until(() => isReady(world, uid));
  });

  test("PodWorker ends a container whose failed hook is recorded, without asking the hook again", async () => {
    using world = fakeHost();
    const { uid, worker, takeOver } = podOn(world, one({ lifecycle: { postStart: { exec: { command: ["hook"] } } } }));
    const { state } = world.host;
    await worker.poke();
    await world.until(() => isReady(world, uid));
    worker[Symbol.dispose]();
    const { state: running } = containerOf(world, uid) ?? {};
    if (running?.status !== "running") throw new Error("it does not run");
    state.updateContainer(uid, containerName("main"), { health: { id: running.id, hookError: "no" } });
    const asked = world.runtime.calls.filter((call) => call.startsWith("run ")).length;
    using second = takeOver();
    await second.poke();
    await world.until(() => containerOf(world, uid)?.last?.id === running.id && isReady(world, uid));
    expect(world.runtime.calls.filter((call) => call.startsWith("run ")).length - asked).toBe(1);
  });

  test("PodWorker probes nothing after it has been let go, and writes nothing while nothing changes", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, one({ readinessProbe: exec("ready"), livenessProbe: exec("alive") }));
    await worker.poke();
    await world.until(() => isReady(world, uid));
    await worker.poke(); // what became ready has been told
    const health = containerOf(world, uid)?.health;
    let changes = 0;
    const watching = world.until(() => (changes++, changes > 1_000)); // counts the changes that are told
    await Bun.sleep(60);
    expect(containerOf(world, uid)?.health).toEqual(health);
    expect(changes).toBeLessThanOrEqual(1);
    worker[Symbol.dispose]();
    const calls = world.runtime.calls.length;
    await Bun.sleep(40);
    expect(world.runtime.calls.length - calls).toBeLessThanOrEqual(1);
    void watching;
  });
});
