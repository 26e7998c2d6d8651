import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { WherryError } from "../base/errors.ts";
import { podDirectory } from "../base/paths.ts";
import { exampleContainer, examplePod } from "../spec/examples.ts";
import { type Container, type PodSpec, type PodUid, type Secret, serviceName } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import { type FakeHost, fakeHost } from "./fake.ts";
import { BACKOFF_SHOWN_AFTER } from "./images.ts";
import { newPod } from "./records.ts";
import { PodWorker } from "./worker.ts";

const missing = (name: string, change: Partial<Container> = {}): Container => exampleContainer(name, { image: "r.example/app:1", ...change });

function podOn(world: FakeHost, spec: Partial<PodSpec>, secrets: readonly Secret[] = []) {
  const { host } = world;
  const made = newPod({ service: serviceName("shop"), pod: examplePod("web", { terminationGracePeriodSeconds: 1, ...spec }), hash: "", network: "bridge", cgroup: "/wherry/shop", now: world.time });
  const { uid } = host.state.addPod(made.record, made.containers, { subnet: host.bridge.subnet, hostPorts: [] });
  return { uid, worker: workerOf(world, uid, { isNew: true, secrets }) };
}

function workerOf(world: FakeHost, uid: PodUid, { isNew, secrets = [] }: { isNew: boolean; secrets?: readonly Secret[] }): PodWorker {
  const event = (each: Parameters<ConstructorParameters<typeof PodWorker>[1]["reporter"]["event"]>[0]): void =>
    world.host.state.addEvent({ service: serviceName("shop"), namespace: examplePod("web").metadata.namespace, kind: "Pod", name: "web", uid, ...each }, world.time);
  const config = { configMaps: () => [], secrets: () => secrets };
  return new PodWorker(uid, { host: world.host, config, reporter: { event, progress: () => {} }, onChange: () => world.changed(), isNew });
}

const container = (world: FakeHost, uid: PodUid, name = "main"): ContainerRecord =>
  world.host.state.containers(uid).find((each) => each.name === name) ?? (() => { throw new Error("no such container"); })();
const reasonOf = (world: FakeHost, uid: PodUid, name = "main"): string => {
  const { state } = container(world, uid, name);
  return state.status === "waiting" ? state.reason : state.status;
};
const finish = (world: FakeHost, uid: PodUid, name = "main"): void => {
  const { state } = container(world, uid, name);
  world.runtime.finish("id" in state ? state.id : "", 1);
};
/** `Pulling: …` of all events, in their order; times are left out. */
const events = (world: FakeHost): readonly string[] => world.host.state.events().map(({ type, reason, message }) => `${type} ${reason} ${message.replaceAll(/ in \S+ \(\S+ /g, " in T (T ")}`);
const unavailable = (): WherryError => new WherryError("failed", 'Cannot pull image "r.example/app:1": no route to host', { code: "ErrImagePull", context: { transient: true } });
const notFound = (): WherryError => new WherryError("notFound", 'Cannot pull image "r.example/app:1": manifest unknown', { code: "ErrImagePull", context: { transient: false } });

describe("PodWorker and images", () => {
  test("starts what is present and waits with the rest only", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [exampleContainer("main"), missing("side")] });
    await worker.poke();
    expect([reasonOf(world, uid), reasonOf(world, uid, "side")]).toEqual(["running", "ContainerCreating"]);
    expect([...worker.pulling()]).toEqual([["side", "pulling"]]);
    world.fetches[0]?.onProgress({ bytes: 48, total: 100 });
    expect([...worker.pulling()]).toEqual([["side", "pulling 45%"]]);
    world.fetches[0]?.come();
    await world.until(() => reasonOf(world, uid, "side") === "running");
    expect(container(world, uid, "side").imageId).toBe(world.host.images.find("r.example/app:1")?.id ?? "");
    expect(events(world)).toEqual([
      'Normal Pulling Pulling image "r.example/app:1"',
      'Normal Pulled Container image "localhost/busybox" already present on machine',
      "Normal Created Created container main", "Normal Started Started container main",
      'Normal Pulled Successfully pulled image "r.example/app:1" in T (T including waiting). Image size: 1 bytes.',
      "Normal Created Created container side", "Normal Started Started container side",
    ]);
  });

  test("begins all pulls of a pod at once, those behind an init container too", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { initContainers: [missing("setup")], containers: [missing("main", { image: "r.example/other:1" }), missing("side")] });
    world.payloads.set("setup", { exit: 0 });
    await worker.poke();
    expect(world.fetches.map(({ reference }) => reference)).toEqual(["r.example/app:1", "r.example/other:1"]);
    world.fetches[1]?.come();
    await Bun.sleep(5);
    expect(world.runtime.requests.size).toBe(0);
    world.fetches[0]?.come();
    await world.until(() => reasonOf(world, uid) === "running" && reasonOf(world, uid, "side") === "running");
    expect(world.fetches).toHaveLength(2);
  });

  test("shows why an image does not come, then that it is in back-off, and pulls again when that is over", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    world.fetches[0]?.fail(notFound());
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    expect(container(world, uid).state).toEqual({ status: "waiting", reason: "ErrImagePull", message: "manifest unknown", until: world.time + 10_000 });
    expect(container(world, uid).failures).toBe(0);
    world.time += BACKOFF_SHOWN_AFTER;
    await worker.poke();
    expect(container(world, uid).state).toMatchObject({ reason: "ImagePullBackOff", message: 'Back-off pulling image "r.example/app:1": ErrImagePull: manifest unknown' });
    expect(world.fetches).toHaveLength(1);
    world.time += 10_000 - BACKOFF_SHOWN_AFTER;
    await worker.poke();
    world.fetches[1]?.fail(unavailable());
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    expect(container(world, uid).state).toMatchObject({ message: "no route to host", transient: true, until: world.time + 20_000 });
    world.time += 20_000;
    await worker.poke();
    world.fetches[2]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
    expect(events(world).slice(0, 5)).toEqual([
      'Normal Pulling Pulling image "r.example/app:1"',
      'Warning Failed Failed to pull image "r.example/app:1": manifest unknown',
      "Warning Failed Error: ErrImagePull",
      'Normal BackOff Back-off pulling image "r.example/app:1"',
      "Warning Failed Error: ImagePullBackOff",
    ]);
  });

  test("turns the failure into the back-off by itself", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    world.fetches[0]?.fail(notFound());
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    world.time += BACKOFF_SHOWN_AFTER; // its timer does not know this clock
    await world.until(() => reasonOf(world, uid) === "ImagePullBackOff");
  }, 10_000);

  test("counts the failures of an image once for all its containers, and forgets them when it has come", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main", { imagePullPolicy: "Always" }), missing("side")] });
    await worker.poke();
    world.fetches[0]?.fail(notFound());
    await world.until(() => reasonOf(world, uid, "side") === "ErrImagePull");
    for (const name of ["main", "side"]) expect(container(world, uid, name).state).toMatchObject({ until: world.time + 10_000 });
    world.time += 10_000;
    await worker.poke();
    world.fetches[1]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
    finish(world, uid);
    await world.until(() => world.fetches.length === 3);
    world.fetches[2]?.fail(notFound());
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    expect(container(world, uid).state).toMatchObject({ until: world.time + 10_000 });
  });

  test("asks the registry at every start with policy Always, and fails when it does not answer", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main", { imagePullPolicy: "Always" })] });
    await worker.poke();
    world.fetches[0]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
    finish(world, uid);
    await world.until(() => world.fetches.length === 2);
    world.fetches[1]?.fail(new WherryError("unavailable", "no answer", { code: "ErrRegistryUnavailable" }));
    await world.until(() => reasonOf(world, uid) === "RegistryUnavailable");
    expect(container(world, uid).state).toMatchObject({ transient: true, message: "image pull failed for r.example/app:1 because the registry is unavailable: no answer" });
  });

  test("takes an image made on this host as it is when no other engine has it", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [exampleContainer("main", { imagePullPolicy: "Always" })] });
    await worker.poke();
    expect(world.fetches.map(({ reference }) => reference)).toEqual(["localhost/busybox:latest"]);
    world.fetches[0]?.fail(notFound());
    await world.until(() => reasonOf(world, uid) === "running");
    expect(events(world)).toContain('Normal Pulled Container image "localhost/busybox" already present on machine');
    expect(events(world).filter((each) => each.startsWith("Warning"))).toEqual([]);
  });

  test("refuses with policy Never what is not present, and finds it when it has been imported", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main", { imagePullPolicy: "Never" })] });
    await worker.poke();
    expect(container(world, uid).state).toEqual({ status: "waiting", reason: "ErrImageNeverPull", message: 'Container image "r.example/app:1" is not present with pull policy of Never', until: world.time + 10_000 });
    expect(events(world)).toEqual(['Warning ErrImageNeverPull Container image "r.example/app:1" is not present with pull policy of Never', "Warning Failed Error: ErrImageNeverPull"]);
    const [busybox] = world.host.images.images();
    if (busybox !== undefined) world.host.images.put({ ...busybox, id: `sha256:${"b".repeat(64)}`, names: ["r.example/app:1"] });
    world.time += 10_000;
    await worker.poke();
    expect(reasonOf(world, uid)).toBe("running");
    expect(world.fetches).toEqual([]);
  });

  test("refuses a name that is none", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main", { image: "App" })] });
    await worker.poke();
    expect(reasonOf(world, uid)).toBe("InvalidImageName");
    expect(events(world)).toEqual([expect.stringContaining('Warning InspectFailed Failed to apply default image tag "App": couldn\'t parse'), "Warning Failed Error: InvalidImageName"]);
  });

  test("pulls again what was removed before its container was started", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { initContainers: [exampleContainer("setup")], containers: [missing("main")] });
    await worker.poke();
    world.fetches[0]?.come();
    await Bun.sleep(5);
    world.host.images.remove(world.host.images.find("r.example/app:1")?.id ?? "");
    await Bun.sleep(1_000);
    const { state } = container(world, uid, "setup");
    world.runtime.finish("id" in state ? state.id : "", 0);
    await world.until(() => world.fetches.length === 2);
    world.fetches[1]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
  });

  test("does not wait for an image with the removal of a pod", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "removed" });
    await worker.poke();
    expect(world.host.state.pod(uid)).toBeUndefined();
    expect(world.fetches[0]?.signal.aborted).toBe(true);
    expect([...world.standing, ...world.network.interfaces()]).toEqual([]);
  });

  test("stops waiting when the pod is stopped, and pulls when it is started again", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "stopped" });
    await worker.poke();
    expect(world.fetches[0]?.signal.aborted).toBe(true);
    world.host.state.updatePod(uid, { wanted: "running" });
    await worker.poke();
    world.fetches[1]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
  });

  test("gives up the image of a pod that has failed without it", async () => {
    using world = fakeHost();
    const { worker } = podOn(world, { restartPolicy: "Never", initContainers: [exampleContainer("setup")], containers: [missing("main")] });
    world.payloads.set("setup", { exit: 3 });
    await worker.poke();
    await world.until(() => world.fetches[0]?.signal.aborted === true);
  });

  test("pulls again after a crash in the middle of a pull, and shows at once the back-off that an earlier process left", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    worker[Symbol.dispose]();
    await Bun.sleep(1);
    expect(world.fetches[0]?.signal.aborted).toBe(true);
    const second = workerOf(world, uid, { isNew: false });
    await second.poke();
    world.fetches[1]?.fail(notFound());
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    second[Symbol.dispose]();
    const third = workerOf(world, uid, { isNew: false });
    await third.poke();
    expect([reasonOf(world, uid), world.fetches.length]).toEqual(["ImagePullBackOff", 2]);
    world.time += 10_000;
    await third.poke();
    world.fetches[2]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
  });

  test("retry() ends the back-off", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    world.fetches[0]?.fail(notFound());
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    worker.retry();
    await world.until(() => world.fetches.length === 2);
    expect(reasonOf(world, uid)).toBe("ContainerCreating");
    world.fetches[1]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
  });

  test("a pod that is removed waits for no image of a volume", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, { volumes: [{ name: "data", image: { reference: "r.example/data:1", pullPolicy: "IfNotPresent" } }] });
    worker.nudge();
    await world.until(() => world.fetches.length === 1);
    world.host.state.updatePod(uid, { wanted: "removed" });
    await worker.poke();
    expect([world.fetches[0]?.signal.aborted, world.host.state.pod(uid)]).toEqual([true, undefined]);
    expect(world.host.state.events().filter(({ reason }) => reason === "FailedCreatePodSandBox")).toEqual([]);
  });

  test("retry() ends the back-off of a sandbox that could not be made", async () => {
    using world = fakeHost();
    world.broken.add("attach web");
    const { uid, worker } = podOn(world, {});
    await worker.poke();
    expect(world.host.state.pod(uid)?.reason).toBe("FailedCreatePodSandBox");
    world.broken.clear();
    worker.retry();
    await world.until(() => reasonOf(world, uid) === "running");
  });

  test("waits with a sandbox that cannot be made for its own back-off, whatever its images do", async () => {
    using world = fakeHost();
    world.broken.add("attach web");
    const { uid, worker } = podOn(world, { containers: [missing("main")] });
    await worker.poke();
    world.fetches[0]?.come();
    await Bun.sleep(5);
    expect(world.host.state.events().filter(({ reason }) => reason === "FailedCreatePodSandBox").map(({ count }) => count)).toEqual([1]);
    world.broken.clear();
    world.time += 1000;
    await worker.poke();
    await world.until(() => reasonOf(world, uid) === "running");
    expect(world.fetches).toHaveLength(1);
  });
});

describe("PodWorker and pull secrets", () => {
  const secret = (name: string, auths: object): Secret => ({
    apiVersion: "v1", kind: "Secret", metadata: { ...examplePod("web").metadata, name }, type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") },
  });
  const user = (name: string): object => ({ username: name, password: "4711" });
  const spec = { containers: [missing("main")], imagePullSecrets: [{ name: "one" }, { name: "none" }, { name: "two" }] };

  test("gives the pull the credentials that match, in files that nobody else can read and that go with it", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, spec, [secret("two", { "r.example/app": user("b") }), secret("one", { "r.example": user("a"), "other.example": user("c") })]);
    await worker.poke();
    const directory = `${podDirectory(world.host.paths, uid)}/pulls`;
    const auths = world.fetches[0]?.credentials.map((text) => Object.entries<{ auth: string }>(JSON.parse(text).auths).map(([registry, { auth }]) => `${registry} ${Buffer.from(auth, "base64").toString()}`));
    expect(auths).toEqual([["r.example b:4711"], ["r.example a:4711"]]);
    const [pull = ""] = readdirSync(directory);
    expect(readdirSync(`${directory}/${pull}`).map((name) => statSync(`${directory}/${pull}/${name}`).mode & 0o777)).toEqual([0o600, 0o600]);
    world.fetches[0]?.come();
    await world.until(() => reasonOf(world, uid) === "running");
    expect(readdirSync(directory)).toEqual([]);
    expect(events(world)[1]).toBe("Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (none); attempting to pull the image may not succeed.");
    expect(JSON.stringify([world.host.state.events(), world.host.state.containers()])).not.toContain("4711");
  });

  test("takes the files away when the pod is removed in the middle of a pull", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, spec, [secret("one", { "r.example": user("a") })]);
    await worker.poke();
    world.host.state.updatePod(uid, { wanted: "removed" });
    await worker.poke();
    expect(existsSync(podDirectory(world.host.paths, uid))).toBe(false);
  });

  test("fails the pull when a Secret holds no credentials, without showing what it holds", async () => {
    using world = fakeHost();
    const { uid, worker } = podOn(world, spec, [{ ...secret("one", {}), data: { ".dockerconfigjson": Buffer.from("4711").toString("base64") } }]);
    await worker.poke();
    await world.until(() => reasonOf(world, uid) === "ErrImagePull");
    expect(container(world, uid).state).toMatchObject({ message: "Cannot read registry credentials: the whole is not a mapping" });
    expect(world.fetches).toEqual([]);
  });
});
