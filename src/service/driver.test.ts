import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { exampleContainer, examplePod } from "../spec/examples.ts";
import { type Container, type Pod, type PodSpec, serviceName } from "../spec/spec.ts";
import { openDurable } from "../state/durable.ts";
import { type ObjectRecord, type PodRecord } from "../state/state.ts";
import { type FakeHost, fakeHost } from "../pod/fake.ts";
import { ServiceDriver } from "./driver.ts";
import { allEnded } from "./exit.ts";
import { planService } from "./plan.ts";
import { hashOf } from "./wanted.ts";

const port = (hostPort: number): Pick<Container, "ports"> => ({ ports: [{ containerPort: 80, hostPort, protocol: "TCP" }] });
const podWithPort = (name: string, hostPort: number): Pod => examplePod(name, { containers: [exampleContainer("main", port(hostPort))] });

interface World extends Disposable {
  readonly fake: FakeHost;
  driver(service?: string): ServiceDriver;
  /** Applies a manifest of these pods. */
  play(driver: ServiceDriver, pods: readonly Pod[], options?: { readonly start?: boolean; readonly replace?: boolean; readonly service?: string }): Promise<void>;
  pod(name: string): PodRecord;
  allReady(): Promise<void>;
}

function open(): World {
  const fake = fakeHost();
  const directory = mkdtempSync(`${tmpdir()}/wherry-driver-`);
  const durable = openDurable(`${directory}/wherry.db`);
  const { state } = fake.host;
  return {
    fake,
    driver: (service = "shop") => new ServiceDriver({ host: fake.host, durable, service: serviceName(service), cgroup: `/wherry/${service}`, onProgress: () => {}, onChange: () => fake.changed() }),
    async play(driver, pods, { start = true, replace = false, service = "shop" } = {}) {
      const wanted = pods.map((object): ObjectRecord => ({ service: serviceName(service), object, hash: hashOf(object) }));
      const plan = planService({ wanted, recorded: [], pods: driver.pods(), replace, restart: false, cgroup: "" });
      await driver.apply(plan, { start });
    },
    pod: (name) => state.pods({ name })[0] ?? (() => { throw new Error(`no pod ${name}`); })(),
    allReady: () => fake.until(() => state.pods().every(({ readyAt }) => readyAt > 0)),
    [Symbol.dispose]() {
      durable[Symbol.dispose]();
      fake[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const names = (world: World): readonly string[] => world.fake.host.state.pods().map(({ pod }) => pod.metadata.name);
const spec: Partial<PodSpec> = { terminationGracePeriodSeconds: 1 };
const uidsOf = (driver: ServiceDriver) => driver.pods().map(({ uid }) => uid);

describe("ServiceDriver", () => {
  test("apply() makes, replaces and removes pods", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web", spec), examplePod("db", spec)]);
    await world.allReady();
    const before = world.pod("db").uid;
    await world.play(driver, [examplePod("db", { ...spec, hostname: "other" }), examplePod("cache")]);
    await world.allReady();
    expect(names(world).toSorted()).toEqual(["cache", "db"]);
    expect(world.pod("db").uid).not.toBe(before);
  });

  test("apply() without start records pods as stopped and makes nothing", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web")], { start: false });
    await driver.recover();
    expect(world.pod("web")).toMatchObject({ wanted: "stopped", sandboxAt: 0 });
    expect([...world.fake.standing, ...world.fake.runtime.calls]).toEqual([]);
  });

  test("apply() starts pods whose images are present while others are pulled, all at once", async () => {
    using world = open();
    const driver = world.driver();
    const lacking = (name: string, image: string): Pod => examplePod(name, { containers: [exampleContainer("main", { image })] });
    await world.play(driver, [lacking("web", "r.example/web:1"), lacking("db", "r.example/db:1"), lacking("copy", "r.example/web:1"), examplePod("cache")]);
    await world.fake.until(() => world.pod("cache").readyAt > 0 && world.fake.fetches.length === 2);
    expect(driver.pulling(world.pod("copy").uid)).toEqual(new Map([["main", "pulling"]]));
    const begun = performance.now();
    await driver.remove([world.pod("web").uid]);
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(world.fake.fetches[0]?.signal.aborted).toBe(false);
    for (const fetch of world.fake.fetches) fetch.come();
    await world.allReady();
    expect(names(world).toSorted()).toEqual(["cache", "copy", "db"]);
  });

  test("retry() pulls at once what waits for its next try", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web", { containers: [exampleContainer("main", { image: "r.example/web:1" })] })]);
    await world.fake.until(() => world.fake.fetches.length === 1);
    world.fake.fetches[0]?.fail(new Error("denied"));
    await world.fake.until(() => world.fake.host.state.containers()[0]?.state.status === "waiting" && driver.pulling(world.pod("web").uid).size === 0);
    world.fake.host.puller.use({ REGISTRY_AUTH_FILE: "/new" });
    driver.retry();
    await world.fake.until(() => world.fake.fetches.length === 2);
    expect(world.fake.fetches[1]?.environment).toEqual({ REGISTRY_AUTH_FILE: "/new" });
    world.fake.fetches[1]?.come();
    await world.allReady();
  });

  test("apply() lets two pods exchange their host ports", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [podWithPort("web", 8001), podWithPort("db", 8002)]);
    await world.allReady();
    await world.play(driver, [podWithPort("web", 8002), podWithPort("db", 8001)]);
    await world.allReady();
    expect(names(world).toSorted()).toEqual(["db", "web"]);
  });

  test("apply() of two services for one host port gives it to one, and the other pods go on", async () => {
    using world = open();
    const one = world.driver("one"), two = world.driver("two");
    const plays = await Promise.allSettled([
      world.play(one, [podWithPort("web", 8001), examplePod("a")], { service: "one" }),
      world.play(two, [podWithPort("app", 8001), examplePod("b")], { service: "two" }),
    ]);
    expect(plays.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await world.allReady();
    expect(names(world).toSorted()).toEqual(["a", "b", "web"]);
  });

  test("apply() of two services for one pod name gives it to one", async () => {
    using world = open();
    const plays = await Promise.allSettled(["one", "two"].map((service) => world.play(world.driver(service), [examplePod("web")], { service })));
    expect(plays.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(names(world)).toEqual(["web"]);
  });

  test("remove() goes on with the others when one pod cannot be removed, and fails with it", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web"), examplePod("db"), examplePod("cache")]);
    await world.allReady();
    world.fake.broken.add(`remove cgroup ${world.pod("web").cgroup}`);
    await expect(driver.remove(uidsOf(driver))).rejects.toThrow("it is broken");
    expect(names(world)).toEqual(["web"]);
    world.fake.broken.clear();
    await driver.remove(uidsOf(driver));
    expect([...names(world), ...world.fake.standing, ...world.fake.network.interfaces()]).toEqual([]);
  });

  test("remove() takes the longest grace period, not the sum", async () => {
    using world = open();
    const driver = world.driver();
    world.fake.payloads.set("main", { ignores: ["SIGTERM"] });
    await world.play(driver, ["a", "b", "c", "d"].map((name) => examplePod(name)));
    await world.allReady();
    const begun = performance.now();
    await driver.remove(uidsOf(driver), 0.2);
    expect(performance.now() - begun).toBeWithin(200, 600);
  });

  test("recover() of one broken pod keeps no other from being recovered, stopped or removed", async () => {
    using world = open();
    const before = world.driver();
    await world.play(before, [examplePod("web"), examplePod("db")]);
    await world.allReady();
    before[Symbol.dispose]();
    for (const { state } of world.fake.host.state.containers(world.pod("web").uid)) if ("id" in state) world.fake.runtime.dieMonitor(state.id);
    const dbContainer = world.fake.host.state.containers(world.pod("db").uid)[0];
    world.fake.broken.add(`remove main`);
    const driver = world.driver();
    await driver.recover();
    expect(world.fake.host.state.containers(world.pod("db").uid)[0]).toEqual(dbContainer);
    world.fake.broken.clear();
    await driver.remove([world.pod("db").uid]);
    await driver.remove([world.pod("web").uid]);
    expect(names(world)).toEqual([]);
  });

  test("remove() works on pods that nobody has recovered", async () => {
    using world = open();
    const before = world.driver();
    await world.play(before, [examplePod("web")]);
    await world.allReady();
    before[Symbol.dispose]();
    const driver = world.driver();
    await driver.remove(uidsOf(driver));
    expect([...names(world), ...world.fake.standing, ...world.fake.runtime.requests.keys()]).toEqual([]);
  });

  test("stop() does not take a removal back", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web")]);
    await world.allReady();
    await Promise.all([driver.remove(uidsOf(driver)), driver.stop(uidsOf(driver))]);
    expect(names(world)).toEqual([]);
  });

  test("start() leaves a running pod alone", async () => {
    using world = open();
    world.fake.payloads.set("setup", { exit: 0 });
    const driver = world.driver();
    await world.play(driver, [examplePod("web", { initContainers: [exampleContainer("setup")] })]);
    await world.allReady();
    const before = [...world.fake.runtime.calls];
    driver.start(uidsOf(driver));
    await driver.recover();
    expect(world.fake.runtime.calls).toEqual(before);
    expect(world.pod("web")).toMatchObject({ phase: "Running" });
  });

  test("start() of a pod whose stop was interrupted goes on with what lives", async () => {
    using world = open();
    world.fake.payloads.set("main", { ignores: ["SIGTERM"] }).set("setup", { exit: 0 });
    const before = world.driver();
    await world.play(before, [examplePod("web", { initContainers: [exampleContainer("setup")] })]);
    await world.allReady();
    before.stop(uidsOf(before)).catch(() => {});
    await Bun.sleep(10);
    before[Symbol.dispose]();
    const driver = world.driver();
    driver.start(uidsOf(driver));
    await driver.recover();
    await world.allReady();
    expect(world.fake.host.state.containers().map(({ name, restarts, state }) => [name, restarts, state.status] as unknown)).toEqual([["setup", 0, "terminated"], ["main", 0, "running"]]);
  });

  test("restart() stops and starts each pod, also when another one fails", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web"), examplePod("db")]);
    await world.allReady();
    world.fake.broken.add(`remove cgroup ${world.pod("web").cgroup}`);
    await expect(driver.restart(uidsOf(driver))).rejects.toThrow("it is broken");
    await world.fake.until(() => world.pod("db").readyAt > 0);
    expect(world.fake.host.state.containers(world.pod("db").uid)[0]?.restarts).toBe(1);
  });

  test("kill() with SIGKILL stops pods for good; the last one ends the service", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web"), examplePod("db")]);
    await world.allReady();
    await driver.kill([world.pod("web").uid], "SIGKILL");
    expect(allEnded(driver.pods())).toBe(false);
    await driver.kill([world.pod("db").uid], "SIGKILL");
    expect(allEnded(driver.pods())).toBe(true);
  });

  test("close() keeps a play that is under way from making pods behind a removal", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web")]);
    await world.allReady();
    const played = world.play(driver, [examplePod("web", { hostname: "other" })]);
    driver.close();
    const removed = driver.remove(uidsOf(driver));
    await expect(played).rejects.toThrow("it is being taken down");
    await removed;
    expect(names(world)).toEqual([]);
  });
});

describe("allEnded()", () => {
  test("waits for a pod that is still being removed", async () => {
    using world = open();
    const driver = world.driver();
    await world.play(driver, [examplePod("web")], { start: false });
    expect(allEnded(driver.pods())).toBe(true);
    world.fake.host.state.updatePod(world.pod("web").uid, { wanted: "removed" });
    expect(allEnded(driver.pods())).toBe(false);
  });
});
