import { expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ExecResult } from "../../../src/base/exec.ts";
import { demoTar, tar } from "../../../src/storage/fixtures.ts";
import { eventually } from "../../harness/eventually.ts";
import { changingLayers } from "../../harness/images.ts";
import { delays, interrupted } from "../../harness/interrupting.ts";
import { blobPath, type Compression, diffIdsOf, HOST, type ImageSource, type Layout, manifestOf, manifestsOf, writeImageLayout, writeIndexLayout } from "../../harness/layout.ts";
import { withMachineFiles } from "../../harness/machineFiles.ts";
import { container, podText, pods } from "../../harness/objects.ts";
import { processes } from "../../harness/processes.ts";
import { storeFor, type TestStore } from "../../harness/pulling.ts";
import { drawing, noise } from "../../harness/random.ts";
import { startRegistry } from "../../harness/registry.ts";
import { CHECKOUT, expectStatus, openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

/** Layouts of one scenario, gone with it. */
function layouts() {
  const home = mkdtempSync(`${CHECKOUT}/.cache/layouts.`);
  let count = 0;
  const next = (): string => `${home}/${(count += 1)}`;
  return {
    image: (image: ImageSource) => writeImageLayout(next(), image),
    index: (images: readonly ImageSource[]) => writeIndexLayout(next(), images),
    /** Layers of some files; the same seed with fewer layers has the lowest of more. */
    small: (seed: number, layers = 3) => writeImageLayout(next(), { layers: changingLayers({ layers, files: 45, seed }) }),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Digests of everything that pulling an image fetches. */
const blobsOf = (layout: Layout): string[] => [manifestOf(layout).config, ...manifestOf(layout).layers].map(({ digest }) => digest).toSorted();

/** A pull that has to fail: what it said. It leaves nothing behind. */
async function refusal(store: TestStore, pull: ExecResult | Promise<ExecResult>): Promise<string> {
  const { status, stderr } = await pull;
  expect({ failed: status === 1 || status === 3, stderr }).toEqual({ failed: true, stderr: expect.stringContaining("Error: Cannot ") });
  expect(stderr).not.toMatch(/^ +at /m); // a stack: it was not foreseen
  expect(await store.list("tmp")).toEqual([]);
  return stderr;
}

/** Everything in the trees of some layers, as one digest. Whiteouts are of the time when they were made. */
async function fingerprint(room: Room, store: TestStore, diffIds: readonly string[]): Promise<string> {
  const script = `cd "$1/layers"; shift
for layer in "$@"; do find "$layer/diff" -mindepth 1 \\( -type c -printf '%p %y\\n' -o -printf '%p %y %m %U:%G %s %T@ %l\\n' \\); find "$layer/diff" -type f -exec sha256sum {} +; done | sort | sha256sum`;
  return expectStatus(await room.run(["sh", "-ec", script, "-", store.root, ...diffIds.map((each) => each.slice(7))]), 0, ["find"]).stdout;
}

scenario("image pull by tag and by digest makes one image, and a second pull fetches nothing", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.small(1);
  const reference = registry.publish(layout, "shop/web:1");
  const store = await storeFor(room, registry);
  await store.pull(reference);
  const image = await store.inspect(reference);
  expect([image.names, image.layers, image.id]).toEqual([[reference], diffIdsOf(layout), manifestOf(layout).config.digest]);
  expect(registry.fetched().toSorted()).toEqual(blobsOf(layout));
  await store.pull(reference);
  await store.pull(`${registry.address}/shop/web@${layout.root.digest}`);
  expect(registry.fetched().length).toBe(blobsOf(layout).length);
  expect((await store.inspect(reference)).digests).toEqual([`${registry.address}/shop/web@${layout.root.digest}`]);
  expect([await store.names(), await store.list("tmp")]).toEqual([[reference], []]);
});

scenario("image pull follows a tag that has moved, and fetches only the layers that are new", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const [old, now] = [await make.small(2, 3), await make.small(2, 5)];
  const reference = registry.publish(old, "moving:1");
  const store = await storeFor(room, registry);
  await store.pull(reference);
  registry.publish(now, "moving:1");
  await store.pull(reference);
  expect((await store.inspect(reference)).layers).toEqual(diffIdsOf(now));
  expect(registry.fetched().toSorted()).toEqual([...new Set([...blobsOf(old), ...blobsOf(now)])].toSorted());
});

scenario("image pull takes gzip, zstd and plain layers, of OCI images and of Docker's", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layers = changingLayers({ layers: 3, files: 45, seed: 3 });
  const forms: readonly (readonly [Compression, "oci" | "docker"])[] = [["gzip", "oci"], ["zstd", "oci"], ["none", "oci"], ["gzip", "docker"]];
  const trees = new Set<string>();
  for (const [compression, form] of forms) {
    const reference = registry.publish(await make.image({ layers, compression, form }), `forms:${form}-${compression}`);
    const store = await storeFor(room, registry);
    await store.pull(reference);
    trees.add(await fingerprint(room, store, (await store.inspect(reference)).layers));
  }
  expect(trees.size).toBe(1);
});

const forArchitecture = (architecture: string): ImageSource => ({ layers: [tar([{ name: "architecture", content: architecture }])], platform: { os: "linux", architecture } });

scenario("image pull takes this machine's image from an index, also by the digest of the index", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.index(["s390x", HOST.architecture, "riscv64"].map(forArchitecture));
  const reference = registry.publish(layout, "index:1");
  const store = await storeFor(room, registry);
  await store.pull(reference);
  const image = await store.inspect(reference);
  const [, own] = manifestsOf(layout).find(([descriptor]) => descriptor.platform?.architecture === HOST.architecture) ?? [];
  expect(image.layers).toEqual(own === undefined ? [] : diffIdsOf(layout, own));
  expect(image.digests).toContain(`${registry.address}/index@${layout.root.digest}`);
  await store.pull(`${registry.address}/index@${layout.root.digest}`);
  expect((await store.inspect(`${registry.address}/index@${layout.root.digest}`)).id).toBe(image.id);
});

scenario("image pull says so when an index has no image for this machine, and when there is no such image or registry", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const reference = registry.publish(await make.index(["s390x", "riscv64"].map(forArchitecture)), "foreign:1");
  const store = await storeFor(room, registry);
  expect(await refusal(store, store.tries(reference))).toMatch(new RegExp(`${HOST.architecture}`));
  expect(await refusal(store, store.tries(`${registry.address}/foreign:2`))).toMatch(/unknown|not found/i);
  await registry.die();
  expect(await refusal(store, store.tries(reference))).toMatch(/connection refused/);
  expect(await store.names()).toEqual([]);
});

scenario("image pull trusts a registry's certificate by certs.d, and refuses one that it does not know", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start, { tls: true });
  const reference = registry.publish(await make.small(4), "tls:1");
  const store = await storeFor(room, registry);
  expect(await refusal(store, store.tries(reference))).toMatch(/certificate/);
  await withMachineFiles(room, { [`certs.d/${registry.address}/ca.crt`]: readFileSync(registry.authority, "utf8") }, async () => {
    await store.pull(reference);
  });
  expect(await store.names()).toEqual([reference]);
});

scenario("image pull logs in with the user's auth.json, and says so when that is wrong or missing", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start, { users: { joe: "right" } });
  const reference = registry.publish(await make.small(5), "private:1");
  const store = await storeFor(room, registry);
  const login = async (password: string): Promise<Readonly<Record<string, string>>> => {
    const file = `/run/stores/auth-${password}.json`;
    await room.write(file, JSON.stringify({ auths: { [registry.address]: { auth: Buffer.from(`joe:${password}`).toString("base64") } } }));
    return { REGISTRY_AUTH_FILE: file };
  };
  for (const env of [{}, await login("wrong")]) expect(await refusal(store, store.tries(reference, env))).toMatch(/unauthorized|authentication/i);
  expect(registry.fetched()).toEqual([]);
  await store.pull(reference, await login("right"));
  expect(await store.names()).toEqual([reference]);
});

scenario("image pull fetches from a mirror of registries.conf, under the image's own name", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.small(6);
  registry.publish(layout, "mirrored/web:1");
  const configuration = `[[registry]]\nlocation = "registry.invalid/shop"\n[[registry.mirror]]\nlocation = "${registry.address}/mirrored"\ninsecure = true\n`;
  const store = await storeFor(room, registry, { configuration });
  await store.pull("registry.invalid/shop/web:1");
  expect(await store.names()).toEqual(["registry.invalid/shop/web:1"]);
  expect(registry.fetched().toSorted()).toEqual(blobsOf(layout));
});

scenario("image pull obeys a policy.json that refuses the registry", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const reference = registry.publish(await make.small(7), "refused:1");
  const store = await storeFor(room, registry);
  const policy = { default: [{ type: "insecureAcceptAnything" }], transports: { docker: { [registry.address]: [{ type: "reject" }] } } };
  await withMachineFiles(room, { "policy.json": JSON.stringify(policy) }, async () => {
    expect(await refusal(store, store.tries(reference))).toMatch(/policy/);
  });
  expect([await store.names(), registry.fetched()]).toEqual([[], []]);
});

scenario("ten pulls of one image at once fetch each blob once", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.small(8, 8);
  const reference = registry.publish(layout, "wanted:1");
  const store = await storeFor(room, registry);
  await Promise.all(Array.from({ length: 10 }, () => store.pull(reference)));
  expect(registry.fetched().toSorted()).toEqual(blobsOf(layout));
  expect([await store.names(), await store.list("tmp")]).toEqual([[reference], []]);
});

scenario("pulls of different images at once fetch the layers that they share once", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const images = await Promise.all([4, 5, 6, 7].map((layers) => make.small(9, layers)));
  const references = images.map((layout, index) => registry.publish(layout, `shared:${index}`));
  const store = await storeFor(room, registry);
  await Promise.all(references.map((reference) => store.pull(reference)));
  expect(registry.fetched().toSorted()).toEqual([...new Set(images.flatMap(blobsOf))].toSorted());
  expect(await store.names()).toEqual(references);
});

const POINTS = 15;

scenario(`after kill -9 of image pull at ${POINTS} points, pull again converges and nothing is left`, async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.small(10, 8);
  const reference = registry.publish(layout, "killed:1");
  const undisturbed = await storeFor(room, registry);
  const begun = performance.now();
  await undisturbed.pull(reference);
  const whole = performance.now() - begun;
  const expected = await fingerprint(room, undisturbed, diffIdsOf(layout));
  for (const delay of delays(POINTS, whole)) {
    const store = await storeFor(room, registry);
    await interrupted(room, { words: ["image", "pull", reference], delay }, { env: store.env });
    await store.pull(reference);
    expect({ delay, names: await store.names(), tmp: await store.list("tmp"), tree: await fingerprint(room, store, diffIdsOf(layout)) })
      .toEqual({ delay, names: [reference], tmp: [], tree: expected });
    await room.ok(["image", "rm", reference], { env: store.env });
    expect({ delay, layers: await store.list("layers"), tmp: await store.list("tmp") }).toEqual({ delay, layers: [], tmp: [] });
  }
  await eventually(async () => {
    const helpers = ["skopeo", "bsdtar", "bsdcat", "flock"];
    expect((await processes(room)).filter(({ program }) => helpers.includes(program)).map(({ command }) => command)).toEqual([]);
  }, { within: 3_000 });
}, { timeout: 120_000 });

scenario("after kill -9 of one of two pulls of an image, the other goes on and is whole", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.small(17, 8);
  const reference = registry.publish(layout, "waited:1");
  const undisturbed = await storeFor(room, registry);
  const begun = performance.now();
  await undisturbed.pull(reference);
  const whole = performance.now() - begun;
  const expected = await fingerprint(room, undisturbed, diffIdsOf(layout));
  for (const delay of delays(5, whole)) {
    const store = await storeFor(room, registry);
    await Promise.all([interrupted(room, { words: ["image", "pull", reference], delay }, { env: store.env }), store.pull(reference)]);
    expect({ delay, names: await store.names(), tree: await fingerprint(room, store, diffIdsOf(layout)) }).toEqual({ delay, names: [reference], tree: expected });
    await store.pull(reference); // the next command sweeps what the killed one has left
    expect({ delay, tmp: await store.list("tmp") }).toEqual({ delay, tmp: [] });
  }
});

/** Two small layers and one that takes long enough to be caught in the middle. */
function heavy(seed: number, megabytes: number): ImageSource {
  const piece = noise(drawing(seed), 1e6);
  const content = Buffer.concat(Array.from({ length: megabytes }, () => piece));
  return { layers: [...changingLayers({ layers: 2, files: 45, seed }), tar([{ name: "heavy", content }])], compression: "none" };
}

scenario("a registry that dies in the middle of image pull is told, and the next pull fetches only what is missing", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.image(heavy(11, 100));
  const reference = registry.publish(layout, "dying:1");
  const store = await storeFor(room, registry);
  const [low = "", high = "", large = ""] = manifestOf(layout).layers.map(({ digest }) => digest);
  const attempt = store.tries(reference);
  await Promise.all([registry.gives(low), registry.gives(high)]);
  registry.freeze();
  await eventually(async () => expect((await store.list("layers")).toSorted()).toEqual([low, high].map((each) => each.slice(7)).toSorted()), { within: 10_000 });
  await registry.die();
  expect(await refusal(store, attempt)).toContain(reference);
  expect(await store.names()).toEqual([]);
  await registry.revive();
  await store.pull(reference);
  const times = (digest: string): number => registry.fetched().filter((each) => each === digest).length;
  expect([times(low), times(high), times(large), await store.names()]).toEqual([1, 1, 1, [reference]]);
});

scenario("image pull refuses a blob whose bytes are not those of its digest, and takes it when they are", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.small(12);
  const reference = registry.publish(layout, "wrong:1");
  const { config, layers } = manifestOf(layout);
  const { config: other, layers: others } = manifestOf(await make.small(13));
  for (const [digest, wrong] of [[layers[1]?.digest, others[1]?.digest], [config.digest, other.digest]]) {
    if (digest === undefined || wrong === undefined) throw new Error("the image has no such layer");
    const right = readFileSync(blobPath(layout, digest));
    for (const bytes of [right.map((byte, index) => (index === right.length - 1 ? byte ^ 1 : byte)), right.subarray(0, right.length / 2)]) {
      registry.tamper(digest, bytes);
      const store = await storeFor(room, registry);
      await refusal(store, store.tries(reference));
      expect(await store.names()).toEqual([]);
      registry.tamper(digest, right);
      await store.pull(reference);
      expect((await store.inspect(reference)).layers).toEqual(diffIdsOf(layout));
    }
  }
});

const DISK = "/run/full";

scenario("image pull onto a full disk says so, gives the space back and leaves what was there", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const [small, large] = [await make.small(14), await make.image(heavy(15, 60))];
  const [fits, tooLarge] = [registry.publish(small, "fits:1"), registry.publish(large, "large:1")];
  expectStatus(await room.run(["sh", "-ec", `mkdir -p ${DISK}; mount -t tmpfs -o size=40m tmpfs ${DISK}`]), 0, ["mount"]);
  try {
    const store = await storeFor(room, registry, { root: `${DISK}/store` });
    await store.pull(fits);
    const used = async (): Promise<number> => Number((await room.run(["sh", "-c", `df --output=used ${DISK} | tail -1`])).stdout);
    const [before, tree] = [await used(), await fingerprint(room, store, diffIdsOf(small))];
    expect(await refusal(store, store.tries(tooLarge))).toMatch(/space/);
    expect(await store.names()).toEqual([fits]);
    expect(await fingerprint(room, store, diffIdsOf(small))).toBe(tree);
    await room.ok(["image", "rm", fits], { env: store.env });
    expect(await used()).toBeLessThan(before);
    await store.pull(fits);
    expect(await fingerprint(room, store, diffIdsOf(small))).toBe(tree);
  } finally {
    expectStatus(await room.run(["umount", DISK]), 0, ["umount"]);
  }
});

scenario("play runs an image of 127 layers that was pulled", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const added = Array.from({ length: 126 }, (_, index) => tar([{ name: "layers/", type: "directory" }, { name: `layers/${index + 1}`, content: `${index + 1}` }]));
  const layout = await make.image({ layers: [readFileSync(await demoTar()), ...added] });
  const reference = registry.publish(layout, "deep:1");
  const store = await storeFor(room, registry, { root: "/var/lib/wherry" });
  await store.pull(reference);
  const text = podText("deep", { script: "test $(ls /layers | wc -l) = 126 && test $(cat /layers/*| wc -c) = 270 && exit 7; exit 1", restartPolicy: "Never" });
  await room.write("/run/deep.yaml", text.replace(/image: .*/, `image: ${reference}`));
  await room.ok(["play", "/run/deep.yaml"]);
  await eventually(async () => expect((await container(room, "deep")).state.terminated?.exitCode).toBe(7), { within: 10_000 });
});

scenario("services that want one missing image at once fetch each blob once, and run", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const layout = await make.image({ layers: [readFileSync(await demoTar()), ...changingLayers({ layers: 3, files: 45, seed: 18 })] });
  const reference = registry.publish(layout, "together:1");
  const store = await storeFor(room, registry, { root: "/var/lib/wherry" });
  const services = ["one", "two", "three", "four"];
  for (const name of services) await room.write(`/run/${name}.yaml`, podText(name).replace(/image: .*/, `image: ${reference}`));
  await Promise.all(services.map((name) => room.ok(["play", `/run/${name}.yaml`], { env: store.env })));
  expect((await pods(room)).map(({ metadata, status }) => `${metadata.name} ${status.phase}`).toSorted()).toEqual(services.map((name) => `${name} Running`).toSorted());
  const base = manifestOf(layout).layers[0]?.digest; // the scenario before has fetched it
  expect(registry.fetched().toSorted().filter((digest) => digest !== base)).toEqual(blobsOf(layout).filter((digest) => digest !== base));
});

scenario("image rm of one image while another with the same layers is pulled leaves the other whole", async (room) => {
  using make = layouts();
  await using registry = await startRegistry(room.start);
  const [less, more] = [await make.small(16, 4), await make.small(16, 7)];
  const [one, other] = [registry.publish(less, "less:1"), registry.publish(more, "more:1")];
  const store = await storeFor(room, registry);
  const begun = performance.now();
  await store.pull(other);
  const whole = performance.now() - begun;
  const expected = await fingerprint(room, store, diffIdsOf(more));
  await room.ok(["image", "rm", other], { env: store.env });
  for (const delay of delays(6, whole)) {
    await store.pull(one);
    const pulled = store.pull(other);
    await Bun.sleep(delay);
    await room.ok(["image", "rm", one], { env: store.env });
    await pulled;
    expect({ delay, names: await store.names(), tree: await fingerprint(room, store, diffIdsOf(more)) }).toEqual({ delay, names: [other], tree: expected });
    await room.ok(["image", "rm", other], { env: store.env });
    expect({ delay, layers: await store.list("layers"), tmp: await store.list("tmp") }).toEqual({ delay, layers: [], tmp: [] });
  }
}, { timeout: 90_000 });
