import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { mount } from "../base/libc.ts";
import { fakeCatalog } from "./fake.ts";
import { demoTar, digestOf, scratch, tar, writeLayout, writeTar } from "./fixtures.ts";
import { EMPTY_CONFIG, parseImageConfig } from "./imageConfig.ts";
import { collectGarbage, findImage, listImages, removeImage } from "./images.ts";
import { importImage } from "./import.ts";
import { configFile, layerDirectory, namesIn, storeLock, takeLock, temporaryDirectory } from "./layout.ts";
import type { Image, Store } from "./storage.ts";

setDefaultTimeout(60_000); // outside commands, on machines that do other things

const root = process.getuid?.() === 0;

const storeAt = (path: string): Store => ({ directory: `${path}/store`, catalog: fakeCatalog() });
const NOBODY = new Map<string, readonly string[]>();
const CONFIG = { Entrypoint: ["/bin/sh", "-c"], Cmd: ["id"], Env: ["A=b"], WorkingDir: "/tmp", User: "demo", StopSignal: "SIGINT", Volumes: { "/data": {} }, Labels: { a: "b" }, ExposedPorts: { "80/tcp": {} } };
const PARSED = { entrypoint: ["/bin/sh", "-c"], cmd: ["id"], env: ["A=b"], workingDir: "/tmp", user: "demo", stopSignal: "SIGINT", volumes: ["/data"], labels: { a: "b" }, exposedPorts: ["80/tcp"] };

/** An OCI layout of the demo root filesystem below one more layer. */
async function layout(directory: string, name?: string): Promise<string> {
  const layers = [readFileSync(await demoTar()), tar([{ name: "etc/motd", content: "hello" }])];
  return writeLayout(`${directory}/layout`, { layers, config: CONFIG, ...(name === undefined ? {} : { name }) });
}

const skopeo = (from: string, to: string) => exec(["skopeo", "copy", "--quiet", from, to]);

describe("imageConfig", () => {
  test.each([
    ["no JSON", "{"], ["no object", "[]"], ["an artifact", "{}"], ["a list of numbers", '{"rootfs":{"type":"layers","diff_ids":[1]}}'],
    ["an Env that is no list", '{"rootfs":{"type":"layers"},"config":{"Env":"A=b"}}'],
  ])("parseImageConfig() refuses %s", (_, text) => {
    expect(() => parseImageConfig(text)).toThrow(/^Cannot read the image: /);
  });

  test("parseImageConfig() takes null and absent fields as empty", () => {
    expect(parseImageConfig('{"config":{"Env":null,"Labels":null},"rootfs":{"type":"layers","diff_ids":null}}')).toEqual({ config: EMPTY_CONFIG, diffIds: [], created: 0 });
    expect(parseImageConfig('{"created":"2024-01-01T00:00:00.123456789Z","config":null,"rootfs":{"type":"layers"}}').created).toBe(1_704_067_200_123);
  });
});

describe.skipIf(!root)("import (needs root)", () => {
  test.each(["plain", "gzip", "zstd", "xz"])("importImage() takes a %s root filesystem archive with a configuration", async (program) => {
    using at = scratch();
    const store = storeAt(at.path);
    const source = `${at.path}/image`;
    await exec(program === "plain" ? ["cp", await demoTar(), source] : ["sh", "-c", `${program} -1 < "$1" > "$2"`, "sh", await demoTar(), source]);
    const config = { entrypoint: ["/bin/httpd"], cmd: ["-f"], env: ["A=b"], workingDir: "/www", user: "demo" };
    const image = await importImage(store, source, { name: "hello", config });
    expect(image).toEqual({
      id: digestOf(readFileSync(configFile(store.directory, image.id))),
      names: ["localhost/hello:latest"],
      digests: [],
      layers: [digestOf(readFileSync(await demoTar()))],
      config: { ...EMPTY_CONFIG, ...config },
      size: statSync(await demoTar()).size,
      created: Math.floor(statSync(source).mtimeMs),
      importedAt: image.importedAt,
    });
    expect(findImage(store.catalog, "hello")).toEqual(image);
    expect(readFileSync(`${layerDirectory(store.directory, image.layers[0] ?? "")}/www/index.html`, "utf8")).toContain("Hello");
    expect((await importImage(store, source, { name: "again:1", config })).names).toEqual(["localhost/hello:latest", "localhost/again:1"]);
    expect([store.catalog.images().length, namesIn(temporaryDirectory(store.directory))]).toEqual([1, []]);
  });

  test("importImage() takes an OCI layout, an OCI archive and a Docker archive, by their content", async () => {
    using at = scratch();
    const store = storeAt(at.path);
    const directory = await layout(at.path, "demo:1");
    const fromLayout = await importImage(store, directory);
    expect([fromLayout.names, fromLayout.config]).toEqual([["localhost/demo:1"], PARSED]);
    expect(fromLayout.layers.length).toBe(2);
    await skopeo(`oci:${directory}:demo:1`, `oci-archive:${at.path}/a.tar:quay.io/a/b:2`);
    const fromArchive = await importImage(store, `${at.path}/a.tar`);
    expect([fromArchive.id, fromArchive.names]).toEqual([fromLayout.id, ["localhost/demo:1", "quay.io/a/b:2"]]);
    await skopeo(`oci:${directory}:demo:1`, `docker-archive:${at.path}/d.tar:docker.io/library/demo:3`);
    const fromDocker = await importImage(store, `${at.path}/d.tar`);
    expect([fromDocker.names.at(-1), fromDocker.layers, fromDocker.config.cmd]).toEqual(["docker.io/library/demo:3", fromLayout.layers, ["id"]]);
    await exec(["gzip", `${at.path}/d.tar`]);
    expect((await importImage(store, `${at.path}/d.tar.gz`, { name: "mine" })).names).toContain("localhost/mine:latest");
    expect(namesIn(temporaryDirectory(store.directory))).toEqual([]);
  });

  test("importImage() takes a source with a colon in its name, and an image without a name", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/a:b`);
    expect((await importImage(storeAt(at.path), await layout(`${at.path}/a:b`))).names).toEqual([]);
  });

  test("importImage() takes a Docker archive with the names other builders use, and ignores an annotation that is no name", async () => {
    using at = scratch();
    const layer = tar([{ name: "f" }]);
    const config = JSON.stringify({ rootfs: { type: "layers", diff_ids: [digestOf(layer)] }, config: {} });
    const manifest = JSON.stringify([{ Config: digestOf(config), RepoTags: ["crane:1"], Layers: ["layer.tar"] }]);
    writeTar(`${at.path}/crane.tar`, [{ name: digestOf(config), content: config }, { name: "layer.tar", content: layer.toString("latin1") }, { name: "manifest.json", content: manifest }]);
    expect((await importImage(storeAt(at.path), `${at.path}/crane.tar`)).names).toEqual(["docker.io/library/crane:1"]);
    expect((await importImage(storeAt(at.path), await layout(at.path, "Not+A+Name"))).names).toEqual([]);
  });

  test("importImage() takes compressed layers, and the same layer twice", async () => {
    using at = scratch();
    const plain = new Uint8Array(tar([{ name: "f", content: "x" }]));
    const source = writeLayout(`${at.path}/layout`, { layers: [Bun.gzipSync(plain), Bun.zstdCompressSync(plain)], diffIds: [digestOf(plain), digestOf(plain)], config: {} });
    expect((await importImage(storeAt(at.path), source)).layers).toEqual([digestOf(plain), digestOf(plain)]);
  });

  test("importImage() refuses what is no image, and leaves nothing", async () => {
    using at = scratch();
    const store = storeAt(at.path);
    const attempt = (source: string) => importImage(store, source).then(() => "taken", (thrown: Error) => thrown.message);
    mkdirSync(`${at.path}/directory`);
    writeFileSync(`${at.path}/text`, "hello");
    expect(await attempt(`${at.path}/none`)).toContain("it does not exist");
    expect(await attempt(`${at.path}/directory`)).toContain('without an "oci-layout" file');
    expect(await attempt("/dev/null")).toContain("it is not a file");
    expect(await attempt(`${at.path}/text`)).toContain("it is not a tar archive");
    const plain = tar([{ name: "f" }]);
    expect(await attempt(writeLayout(`${at.path}/bad1`, { layers: [plain], diffIds: [digestOf("other")], config: {} }))).toContain("its archive has the digest");
    expect(await attempt(writeLayout(`${at.path}/bad2`, { layers: [plain], diffIds: [], config: {} }))).toContain("its configuration has 0 layers and its manifest 1");
    expect(await attempt(writeLayout(`${at.path}/bad3`, { layers: [plain], diffIds: ["../../../etc"], config: {} }))).toContain('Cannot use "../../../etc" as a digest');
    const big = tar(Array.from({ length: 5000 }, (_, index) => ({ name: `${index}` })));
    const hostile = writeLayout(`${at.path}/bad5`, { layers: [big, tar([{ name: "../x" }]), plain], config: {} });
    expect(await attempt(hostile)).toContain("Path contains '..'");
    const damaged = writeLayout(`${at.path}/bad4`, { layers: [plain], config: {} });
    writeFileSync(`${damaged}/blobs/sha256/${digestOf(plain).slice(7)}`, "damaged");
    expect(await attempt(damaged)).toMatch(/^Cannot import ".*": .*Digest did not match/);
    const { archive } = writeTar(`${at.path}/rootfs.tar`, [{ name: "f" }]);
    await expect(importImage(store, archive, { name: "UPPER" })).rejects.toMatchObject({ code: "InvalidImageName" });
    await expect(importImage(store, await layout(at.path), { config: { user: "x" } })).rejects.toMatchObject({ kind: "usage" });
    expect([store.catalog.images(), namesIn(temporaryDirectory(store.directory))]).toEqual([[], []]);
  });

  test("importImage() stops when it is aborted", async () => {
    using at = scratch();
    const store = storeAt(at.path);
    const controller = new AbortController();
    const layers = [tar(Array.from({ length: 20_000 }, (_, index) => ({ name: `d/${index}` })))];
    const importing = importImage(store, writeLayout(`${at.path}/layout`, { layers, config: {} }), {
      signal: controller.signal,
      progress: (event) => event.step === "unpack" && setTimeout(() => controller.abort(), 30),
    });
    await expect(importing).rejects.toThrow(/^Cannot import ".*": it was interrupted$/);
    await expect(importImage(store, await demoTar(), { signal: controller.signal })).rejects.toThrow("it was interrupted");
    expect([store.catalog.images(), namesIn(temporaryDirectory(store.directory))]).toEqual([[], []]);
  });

  test("importImage() on a full disk says so, and gives the space back", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/store`);
    mount("tmpfs", `${at.path}/store`, "tmpfs", 0n, "size=1m");
    const store = storeAt(at.path);
    await expect(importImage(store, await demoTar())).rejects.toMatchObject({ kind: "failed", message: expect.stringContaining("no space left on the disk of") });
    expect([namesIn(temporaryDirectory(store.directory)), namesIn(`${store.directory}/layers`)]).toEqual([[], []]);
  });
});

const fake = (id: string, names: readonly string[], importedAt = 0): Image => ({ id: `sha256:${id.repeat(64)}`, names, digests: [], layers: [], config: EMPTY_CONFIG, size: 0, created: 0, importedAt });

describe("images", () => {
  test("findImage() prefers images made here, and takes ids and prefixes of them", () => {
    const [hub, local] = [fake("a", ["docker.io/library/hello:latest"]), fake("b", ["localhost/hello:latest"])];
    const catalog = fakeCatalog([hub, local]);
    expect(findImage(catalog, "hello")).toEqual(local);
    expect(findImage(catalog, "docker.io/hello")).toEqual(hub);
    expect(findImage(catalog, hub.id)).toEqual(hub);
    expect(findImage(catalog, "aaaaaa")).toEqual(hub);
    expect(findImage(catalog, "aaaaa")).toBeUndefined();
    expect(findImage(catalog, "other")).toBeUndefined();
  });

  test("fakeCatalog() moves names, and removes", () => {
    const catalog = fakeCatalog([fake("a", ["x:1", "y:1"])]);
    catalog.put(fake("b", ["x:1"]));
    expect(catalog.images().map((image) => image.names)).toEqual([["y:1"], ["x:1"]]);
    catalog.untag("y:1");
    catalog.remove(`sha256:${"b".repeat(64)}`);
    expect(catalog.images().map((image) => image.names)).toEqual([[]]);
  });

  test("listImages() begins with the newest", () => {
    expect(listImages(fakeCatalog([fake("a", [], 1), fake("b", [], 2)])).map((image) => image.importedAt)).toEqual([2, 1]);
  });

  test.skipIf(!root)("removeImage() takes a name, then refuses a used image, then removes it and what only it reached", async () => {
    using at = scratch();
    const store = storeAt(at.path);
    const shared = tar([{ name: "shared" }]);
    const one = await importImage(store, writeLayout(`${at.path}/1`, { layers: [shared, tar([{ name: "one" }])], config: {} }), { name: "one" });
    const two = await importImage(store, writeLayout(`${at.path}/2`, { layers: [shared, tar([{ name: "two" }])], config: {} }), { name: "two" });
    await importImage(store, `${at.path}/1`, { name: "uno" });
    for (const layer of [...one.layers, ...two.layers]) layerDirectory(store.directory, layer);
    const users = new Map([[one.id, ['pod "default/a"', 'pod "default/b"']]]);
    expect(await removeImage(store, "uno", users)).toEqual({ untagged: ["localhost/uno:latest"] });
    await expect(removeImage(store, "one", users)).rejects.toThrow('Cannot remove image "one": it is used by pod "default/a", pod "default/b"');
    expect(await removeImage(store, "one", NOBODY)).toEqual({ untagged: ["localhost/one:latest"], removed: one.id });
    expect(namesIn(`${store.directory}/layers`).toSorted()).toEqual(two.layers.map((layer) => layer.slice(7)).toSorted());
    expect([namesIn(`${store.directory}/l`).length, namesIn(`${store.directory}/configs`)]).toEqual([2, [`${two.id.slice(7)}.json`]]);
    await expect(removeImage(store, "one", NOBODY)).rejects.toMatchObject({ kind: "notFound" });
  });

  test.skipIf(!root)("collectGarbage() finishes what a crash left, and waits for nobody", async () => {
    using at = scratch();
    const store = storeAt(at.path);
    const image = await importImage(store, await layout(at.path));
    mkdirSync(`${store.directory}/tmp/half`);
    layerDirectory(store.directory, image.layers[0] ?? "");
    symlinkSync("../layers/none/diff", `${store.directory}/l/0`);
    const importing = await takeLock(storeLock(store.directory), { shared: true });
    expect(await collectGarbage(store)).toBeUndefined();
    importing[Symbol.dispose]();
    expect((await collectGarbage(store))?.layers).toEqual([]);
    expect(["tmp", "locks", "l"].map((name) => readdirSync(`${store.directory}/${name}`))).toEqual([[], ["store"], [image.layers[0]?.slice(7, 13) ?? ""]]);
    store.catalog.remove(image.id); // the process that forgot it was killed before it collected
    expect((await collectGarbage(store))?.layers.map((layer) => layer.diffId).toSorted()).toEqual([...image.layers].toSorted());
    expect(existsSync(configFile(store.directory, image.id))).toBe(false);
  });
});
