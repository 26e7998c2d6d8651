import { afterAll, expect } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeLayout } from "../../../src/storage/fixtures.ts";
import { eventually } from "../../harness/eventually.ts";
import { IMAGE, packTestImage } from "../../harness/image.ts";
import { container, documents, pod, podText, pods, WAIT } from "../../harness/objects.ts";
import { kill, processes, signal, supervisor } from "../../harness/processes.ts";
import { CHECKOUT, expectStatus, openPlainRoom, type Room, type Running, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const REGISTRY = "127.0.0.1:5000";
/** A registry without TLS, for wherry and skopeo alike. */
const CONF = `[[registry]]\nlocation = "${REGISTRY}"\ninsecure = true\n`;
const env = { CONTAINERS_REGISTRIES_CONF: "/run/registries.conf" };

/** The room sees the checkout as it is. */
mkdirSync(`${CHECKOUT}/.cache`, { recursive: true });
const cache = mkdtempSync(`${CHECKOUT}/.cache/pull.`);
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** An image for every name: the test image with a layer of its own, so that none is there by chance. */
async function layoutOf(name: string): Promise<string> {
  await packTestImage();
  const config = { Cmd: ["sh", "-c", WAIT], Labels: { name } };
  return writeLayout(`${cache}/${name}`, { layers: [readFileSync(`${CHECKOUT}/.cache/test-image.tar`)], config, name: "1" });
}

interface Registry extends AsyncDisposable {
  /** Stops serving in the middle of everything; goes on with `thaw`. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  die(): Promise<void>;
  revive(): Promise<void>;
}

/** A registry in the room that has images `NAME:1`. With a password it serves nobody else. */
async function registry(room: Room, names: readonly string[], password?: string): Promise<Registry> {
  await room.write(env.CONTAINERS_REGISTRIES_CONF, CONF);
  const hash = password === undefined ? "" : await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 });
  await room.write("/run/htpasswd", `me:${hash}\n`);
  const auth = password === undefined ? {} : { auth: { htpasswd: { realm: "test", path: "/run/htpasswd" } } };
  await room.write("/run/registry.yml", JSON.stringify({ version: 0.1, log: { level: "info" }, storage: { filesystem: { rootdirectory: "/run/registry" } }, http: { addr: REGISTRY }, ...auth }));
  let running = await serve(room);
  for (const name of names) {
    const argv = ["skopeo", "--insecure-policy", "copy", "-q", ...(password === undefined ? [] : ["--dest-creds", `me:${password}`]), "--dest-tls-verify=false", `oci:${await layoutOf(name)}:1`, `docker://${REGISTRY}/${name}:1`];
    expectStatus(await room.run(argv, { env }), 0, argv);
  }
  const pids = async (): Promise<readonly number[]> => (await processes(room)).filter(({ program }) => program.startsWith("docker-registr")).map(({ pid }) => pid);
  const die = async (): Promise<void> => {
    await kill(room, ...(await pids()));
    await running.exited;
  };
  return {
    freeze: async () => signal(room, "STOP", await pids()),
    thaw: async () => signal(room, "CONT", await pids()),
    die,
    revive: async () => void (running = await serve(room)),
    [Symbol.asyncDispose]: async () => {
      await die();
      await room.run(["rm", "-rf", "/run/registry"]);
    },
  };
}

async function serve(room: Room): Promise<Running> {
  // Behind a shell: nsenter(1) would stop with its own child, for good.
  const running = room.start(["sh", "-c", "docker-registry serve /run/registry.yml & wait"]);
  await running.says(/listening on/);
  return running;
}

const image = (name: string): string => `${REGISTRY}/${name}:1`;
const podOf = (name: string, more: { readonly image?: string; readonly container?: string; readonly spec?: string } = {}): string =>
  podText(name, { ...more }).replace(`image: ${IMAGE}`, `image: ${more.image ?? image(name)}`);

async function forget(room: Room, ...names: readonly string[]): Promise<void> {
  for (const name of names) await room.wherry(["image", "rm", image(name)]);
}

async function events(room: Room, name: string): Promise<readonly string[]> {
  const list: { readonly items: readonly { readonly reason: string; readonly message: string; readonly involvedObject: { readonly name: string } }[] } = JSON.parse(await room.ok(["get", "events", "-o", "json"]));
  return list.items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`);
}

const reasonOf = async (room: Room, name: string): Promise<string> => (await container(room, name)).state.waiting?.reason ?? "";
const fetchers = async (room: Room): Promise<readonly number[]> => (await processes(room)).filter(({ command }) => /\bimage fetch\b|\bskopeo\b/.test(command)).map(({ pid }) => pid);

scenario("play pulls what is missing, while pods whose images are present run already", async (room) => {
  await using registered = await registry(room, ["web", "db"]);
  await room.write("/run/shop.yaml", documents(podOf("web"), podOf("db"), podOf("copy", { image: image("web") }), podText("here")));
  await registered.freeze();
  const play = room.start([WHERRY, "play", "/run/shop.yaml"], { env });
  await play.says(/pod\/here main started/);
  await eventually(async () => expect(await room.ok(["describe", "service", "shop"])).toMatch(/1\/4 pods ready, waiting for .*main: pulling/), { within: 5_000 });
  expect(await reasonOf(room, "web")).toBe("ContainerCreating");
  await registered.thaw();
  expect(await play.exited).toBe(0);
  for (const name of ["web", "db"]) {
    expect(play.output()).toContain(`pulling image "${image(name)}"\n`);
    expect(play.output()).toMatch(new RegExp(`pulled image "${image(name)}" in [\\d.]+m?s`));
    expect(await events(room, name)).toContainEqual(expect.stringMatching(/^Pulled: Successfully pulled image ".*" in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\.$/));
  }
  expect(play.output().match(/pulled image /g)).toHaveLength(2);
  expect((await pods(room)).map(({ status }) => status.phase)).toEqual(["Running", "Running", "Running", "Running"]);
  expect(await events(room, "here")).toContain(`Pulled: Container image "${IMAGE}" already present on machine`);
  expect(await fetchers(room)).toEqual([]);
  await room.ok(["down", "shop"]);
  await forget(room, "web", "db");
});

scenario("play asks the registry only when the pull policy says so", async (room) => {
  await using registered = await registry(room, ["web"]);
  await room.write("/run/web.yaml", podOf("web"));
  await room.ok(["play", "/run/web.yaml"], { env });
  await room.ok(["down", "web"]);
  await registered.die();
  await room.ok(["play", "/run/web.yaml"], { env });
  await room.ok(["down", "web"]);
  await room.write("/run/web.yaml", podOf("web", { container: "imagePullPolicy: Always" }));
  const { status, stderr } = await room.wherry(["play", "/run/web.yaml"], { env });
  expect([status, stderr]).toEqual([1, expect.stringMatching(/Cannot start 1 of 1 pods: pod "default\/web": (ErrImagePull|RegistryUnavailable): .*\nHint: the supervisor goes on trying/)]);
  await registered.revive();
  await room.ok(["play", "/run/web.yaml"], { env });
  expect((await pod(room, "web")).status.phase).toBe("Running");
  await room.ok(["down", "web"]);
  await forget(room, "web");
});

scenario("play says at once what cannot be pulled, and the supervisor goes on until it can", async (room) => {
  await using registered = await registry(room, ["other"]);
  await room.write("/run/web.yaml", documents(podOf("web"), podText("here")));
  const { status, stderr } = await room.wherry(["play", "/run/web.yaml"], { env });
  expect(status).toBe(1);
  expect(stderr).toMatch(/Cannot start 1 of 2 pods: pod "default\/web": ErrImagePull: container "main": /);
  await eventually(async () => expect(await reasonOf(room, "web")).toBe("ImagePullBackOff"), { within: 5_000 });
  expect(await room.ok(["get", "pods"])).toMatch(/^web +0\/1 +ImagePullBackOff/m);
  expect(await room.ok(["describe", "service", "web"])).toContain("1/2 pods ready, waiting for web (main: ImagePullBackOff)");
  const told = await events(room, "web");
  for (const each of [/^Pulling: Pulling image/, /^Failed: Failed to pull image/, /^Failed: Error: ErrImagePull$/, /^BackOff: Back-off pulling image/, /^Failed: Error: ImagePullBackOff$/]) {
    expect(told).toContainEqual(expect.stringMatching(each));
  }
  const argv = ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", "--src-tls-verify=false", `docker://${image("other")}`, `docker://${image("web")}`];
  expectStatus(await room.run(argv, { env }), 0, argv);
  await eventually(async () => expect((await pod(room, "web")).status.phase).toBe("Running"), { within: 15_000 });
  await room.ok(["down", "web"]);
  await forget(room, "web");
  await registered.die();
});

scenario("down does not wait for an image", async (room) => {
  await using registered = await registry(room, ["web"]);
  await room.write("/run/web.yaml", podOf("web"));
  await registered.freeze();
  const play = room.start([WHERRY, "play", "/run/web.yaml"], { env });
  await play.says(/pulling image/);
  const begun = performance.now();
  await room.ok(["down", "web"]);
  expect(performance.now() - begun).toBeLessThan(8_000);
  expect(await play.exited).not.toBe(0);
  await eventually(async () => expect(await fetchers(room)).toEqual([]), { within: 3_000 });
  await registered.thaw();
}, { timed: true });

scenario("after kill -9 of a supervisor that pulls, nothing of the pull goes on, and play pulls again", async (room) => {
  await using registered = await registry(room, ["web"]);
  await room.write("/run/web.yaml", podOf("web"));
  await registered.freeze();
  const play = room.start([WHERRY, "play", "/run/web.yaml"], { env });
  await play.says(/pulling image/);
  await eventually(async () => expect(await fetchers(room)).not.toEqual([]), { within: 3_000 });
  await kill(room, await supervisor(room, "web"));
  expect(await play.exited).toBe(1);
  await eventually(async () => expect(await fetchers(room)).toEqual([]), { within: 3_000 });
  await registered.thaw();
  await room.ok(["play", "/run/web.yaml"], { env });
  expect((await pod(room, "web")).status.phase).toBe("Running");
  await room.ok(["down", "web"]);
  await forget(room, "web");
});

scenario("play pulls with imagePullSecrets, follows their changes, and shows them to nobody", async (room) => {
  const password = "correct-horse";
  await using registered = await registry(room, ["web"], password);
  const secret = (name: string, pass: string): string => {
    const auths = { auths: { [REGISTRY]: { username: "me", password: pass } } };
    return `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '${JSON.stringify(auths)}'\n`;
  };
  const spec = "imagePullSecrets: [{name: first}, {name: nowhere}, {name: second}]";
  const manifest = (pass: string): string => documents(secret("first", "wrong"), secret("second", pass), podOf("web", { spec }));
  await room.write("/run/web.yaml", manifest("wrong, too"));
  const refused = await room.wherry(["play", "/run/web.yaml"], { env });
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("ErrImagePull")]);
  expect(await events(room, "web")).toContain("FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (nowhere); attempting to pull the image may not succeed.");
  const { uid } = (await pod(room, "web")).metadata;
  await room.write("/run/web.yaml", manifest(password));
  const said = await room.wherry(["play", "/run/web.yaml"], { env });
  expect([said.status, said.stdout]).toEqual([0, expect.stringContaining("secret/second configured")]);
  const running = await pod(room, "web");
  expect([running.metadata.uid, running.status.phase]).toEqual([uid, "Running"]);
  const shown = [said.stderr, refused.stderr, await room.ok(["inspect", "web"]), await room.ok(["get", "events", "-o", "json"]), await room.ok(["describe", "pod", "web"])].join("\n");
  for (const each of [password, btoa(`me:${password}`)]) expect(shown).not.toContain(each);
  expect((await room.run(["sh", "-c", "ls -A /run/wherry/pods/*/pulls 2>/dev/null"])).stdout).toBe("");
  await room.ok(["down", "web"]);
  await forget(room, "web");
  await registered.die();
});

scenario("play refuses an image with policy Never that is not present", async (room) => {
  await room.write("/run/never.yaml", podOf("never", { container: "imagePullPolicy: Never" }));
  const never = await room.wherry(["play", "/run/never.yaml"], { env });
  expect([never.status, never.stderr]).toEqual([1, expect.stringContaining(`ErrImageNeverPull: container "main": Container image "${image("never")}" is not present with pull policy of Never`)]);
  expect(await fetchers(room)).toEqual([]);
  await room.ok(["down", "never"]);
});
