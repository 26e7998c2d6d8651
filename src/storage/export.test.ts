import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { parseDetails } from "./details.ts";
import { archiveOf, type ArchiveFormat, imagesToExport, type LayerWriter, manifestText } from "./export.ts";
import { fakeCatalog } from "./fake.ts";
import { demoTar, digestOf, scratch, tar, writeLayout } from "./fixtures.ts";
import { importImage } from "./import.ts";
import { configFile, namesIn, temporaryDirectory } from "./layout.ts";
import { tagImage } from "./tags.ts";
import { pullImage } from "./pull.ts";
import { pushImage } from "./push.ts";
import { freePort, registry } from "./registryFixture.ts";
import { saveToFile } from "./savedFile.ts";
import type { Store } from "./storage.ts";

setDefaultTimeout(60_000); // outside commands, on machines that do other things

const root = process.getuid?.() === 0;
const HEALTHCHECK = { Test: ["CMD", "true"], Interval: 5_000_000_000, Retries: 3 };
const MOTD = tar([{ name: "etc/motd", content: "hello" }]);
const OTHER = tar([{ name: "etc/other", content: "other" }]);

/** A store with an image of two layers, as Docker would have made it, and one that shares a layer with it. */
async function filled(path: string) {
  const store: Store = { directory: `${path}/store`, catalog: fakeCatalog() };
  const base = readFileSync(await demoTar());
  const archives = new Map([base, MOTD, OTHER].map((bytes) => [digestOf(bytes), bytes]));
  const one = await importImage(store, writeLayout(`${path}/one`, { layers: [base, MOTD], config: { Cmd: ["sh"], Healthcheck: HEALTHCHECK } }), { name: "one:1" });
  const two = await importImage(store, writeLayout(`${path}/two`, { layers: [base, OTHER], config: { Cmd: ["id"] } }), { name: "two:1" });
  const writeLayer: LayerWriter = async (_, diffId, to) => writeFileSync(to, archives.get(diffId) ?? "");
  return { store, one, two, writeLayer };
}

const inspect = async (words: readonly string[]): Promise<string> => (await exec(["skopeo", "inspect", ...words])).stdout;
const leftovers = (store: Store): readonly string[] => namesIn(temporaryDirectory(store.directory));
const bytesOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await Array.fromAsync(chunks));

describe("parseDetails", () => {
  const A = digestOf("a"), B = digestOf("b"), C = digestOf("c");
  test("parseDetails() gives each step of the history its layer, and layers without a step one", () => {
    const history = [{ created: "2024-01-01T00:00:00Z", created_by: "ADD" }, { created_by: "CMD", empty_layer: true }, { created_by: "RUN x", comment: "c", author: "me" }];
    expect(parseDetails(JSON.stringify({ architecture: "arm64", os: "linux", variant: "v8", author: "we", history }), [A, B, C])).toEqual({
      architecture: "arm64", os: "linux", variant: "v8", author: "we",
      history: [
        { created: 1_704_067_200_000, createdBy: "ADD", author: "", comment: "", layer: A },
        { created: 0, createdBy: "CMD", author: "", comment: "" },
        { created: 0, createdBy: "RUN x", author: "me", comment: "c", layer: B },
        { created: 0, createdBy: "", author: "", comment: "", layer: C },
      ],
    });
    expect(parseDetails('{"history":null}', [])).toEqual({ architecture: "", os: "", variant: "", author: "", history: [] });
  });
});

describe.skipIf(!root)("export (needs root)", () => {
  test("imagesToExport() takes each image once, with the names it was called by", async () => {
    using at = scratch();
    const { store, one } = await filled(at.path);
    await tagImage(store, "one:1", ["quay.io/a/b:2"]);
    expect(imagesToExport(store, ["one:1", "quay.io/a/b:2", one.id]).map(({ names }) => names)).toEqual([["localhost/one:1", "quay.io/a/b:2"]]);
    expect(imagesToExport(store, [one.id.slice(7, 20)]).map(({ names }) => names)).toEqual([[]]);
    expect(() => imagesToExport(store, ["nothing"])).toThrow('Cannot find image "nothing": it is not in the store');
  });

  test("archiveOf() makes a Docker archive of several images, each layer once, the same every time", async () => {
    using at = scratch();
    const { store, one, two, writeLayer } = await filled(at.path);
    const steps: string[] = [];
    const archive = () => archiveOf(store, imagesToExport(store, ["one:1", "two:1"]), { format: "docker-archive", writeLayer, onStep: (what) => steps.push(what) });
    await saveToFile(`${at.path}/both.tar`, archive());
    expect(digestOf(await bytesOf(archive()))).toBe(digestOf(readFileSync(`${at.path}/both.tar`)));
    expect(steps.slice(0, 4).map((step) => step.replace(/[0-9a-f]{12}/, "ID"))).toEqual(["packing layer ID (1 of 3)", "packing layer ID (2 of 3)", "packing layer ID (3 of 3)", "writing the archive"]);
    for (const image of [one, two]) {
      const raw = await inspect(["--raw", "--config", `docker-archive:${at.path}/both.tar:${image.names[0]}`]);
      expect(digestOf(raw)).toBe(image.id);
    }
    expect((await exec(["tar", "-tf", `${at.path}/both.tar`])).stdout.trim().split("\n").length).toBe(6);
    expect([leftovers(store), readdirSync(at.path).filter((name) => name.startsWith("."))]).toEqual([[], []]);
  });

  test.each(["docker-archive", "oci-archive"] as const)("archiveOf() makes a %s that imports as the same image", async (format: ArchiveFormat) => {
    using at = scratch();
    const { store, one, writeLayer } = await filled(at.path);
    await saveToFile(`${at.path}/a.tar`, archiveOf(store, imagesToExport(store, ["one:1"]), { format, writeLayer }));
    const other: Store = { directory: `${at.path}/other`, catalog: fakeCatalog() };
    expect(await importImage(other, `${at.path}/a.tar`)).toMatchObject({ id: one.id, names: one.names, layers: one.layers });
    expect(readFileSync(configFile(other.directory, one.id))).toEqual(readFileSync(configFile(store.directory, one.id)));
  });

  test("archiveOf() leaves nothing when a layer cannot be packed, it is aborted, or nobody reads on", async () => {
    using at = scratch();
    const { store, writeLayer } = await filled(at.path);
    const exported = imagesToExport(store, ["one:1"]);
    const broken: LayerWriter = async () => Promise.reject(new Error("no layer"));
    await expect(saveToFile(`${at.path}/a.tar`, archiveOf(store, exported, { format: "oci-archive", writeLayer: broken }))).rejects.toThrow("no layer");
    const stop = new AbortController();
    const stopping: LayerWriter = async (...given) => writeLayer(...given).then(() => stop.abort());
    await expect(bytesOf(archiveOf(store, exported, { format: "docker-archive", writeLayer: stopping, signal: stop.signal }))).rejects.toThrow("abort");
    for await (const chunk of archiveOf(store, exported, { format: "docker-archive", writeLayer })) if (chunk.length > 0) break;
    expect([leftovers(store), existsSync(`${at.path}/a.tar`), readdirSync(at.path).filter((name) => name.startsWith("."))]).toEqual([[], false, []]);
  });

  test("pushImage() sends an image that comes back with its id, from Docker's manifest and from OCI's", async () => {
    using at = scratch();
    await using server = await registry(at.path);
    const { store, one, two, writeLayer } = await filled(at.path);
    for (const [name, image, type] of [["one:1", one, "docker.distribution"], ["two:1", two, "oci.image"]] as const) {
      const { digest, destination } = await pushImage(store, name, { destination: `${server.address}/x/${name}`, tlsVerify: false, writeLayer });
      expect(destination).toBe(`docker://${server.address}/x/${name}`);
      const at = ["--tls-verify=false", destination];
      expect(digestOf(await inspect(["--raw", "--config", ...at]))).toBe(image.id);
      const manifest = await inspect(["--raw", ...at]);
      expect([digestOf(manifest), JSON.parse(manifest).mediaType.includes(type)]).toEqual([digest, true]);
      expect(JSON.parse(manifest).layers.every(({ mediaType }: { mediaType: string }) => mediaType.endsWith("gzip"))).toBe(true);
      expect(store.catalog.find(`${server.address}/x/${name.slice(0, 3)}@${digest}`)?.id).toBe(image.id);
    }
    const other: Store = { directory: `${at.path}/other`, catalog: fakeCatalog() };
    for (const [name, { id, layers, config }] of [["one:1", one], ["two:1", two]] as const) {
      expect((await pullImage(other, `${server.address}/x/${name}`, { tlsVerify: false })).image).toMatchObject({ id, layers, config });
    }
    expect(leftovers(store)).toEqual([]);
  });

  test("pushImage() takes skopeo's other transports, and keeps the id there, too", async () => {
    using at = scratch();
    const { store, one, writeLayer } = await filled(at.path);
    await pushImage(store, "one:1", { destination: `oci:${at.path}/layout:one`, writeLayer });
    expect(digestOf(await inspect(["--raw", "--config", `oci:${at.path}/layout:one`]))).toBe(one.id);
    await pushImage(store, "one:1", { destination: `docker-archive:${at.path}/d.tar:localhost/one:1`, writeLayer });
    expect(digestOf(await inspect(["--raw", "--config", `docker-archive:${at.path}/d.tar`]))).toBe(one.id);
  });

  test("pushImage() says why it was refused, in skopeo's words, and leaves nothing", async () => {
    using at = scratch();
    const { store, one, writeLayer } = await filled(at.path);
    const port = await freePort();
    const refused = pushImage(store, "one:1", { destination: `127.0.0.1:${port}/one:1`, tlsVerify: false, writeLayer });
    await expect(refused).rejects.toThrow(new RegExp(`^Cannot push to "docker://127\\.0\\.0\\.1:${port}/one:1": .*connection refused$`));
    await expect(pushImage(store, "nothing", { writeLayer })).rejects.toThrow('Cannot find image "nothing"');
    store.catalog.untag("localhost/one:1");
    await expect(pushImage(store, one.id, { writeLayer })).rejects.toThrow("it has no name, the destination should be named");
    await expect(pushImage(store, one.id, { destination: "UPPER", writeLayer })).rejects.toThrow("lower case");
    expect(leftovers(store)).toEqual([]);
  });

  test("pushImage() needs the credentials of a registry that asks for them", async () => {
    using at = scratch();
    await using server = await registry(at.path, { user: "me", password: "secret" });
    const { store, one, writeLayer } = await filled(at.path);
    const options = { destination: `${server.address}/one:1`, tlsVerify: false, writeLayer, environment: { HOME: at.path, XDG_RUNTIME_DIR: at.path } };
    const refused = await pushImage(store, "one:1", options).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ kind: "failed", message: expect.stringMatching(/^Cannot push to "docker:.*(authentication required|unauthorized)/), hint: expect.stringContaining("wherry login") });
    await expect(pushImage(store, "one:1", { ...options, credentials: "me:wrong" })).rejects.toThrow(/authentication required|unauthorized|invalid username/);
    expect((await pushImage(store, "one:1", { ...options, credentials: "me:secret" })).image.id).toBe(one.id);
    expect(leftovers(store)).toEqual([]);
  });
});

describe("manifestText", () => {
  test("manifestText() has the media types of its kind", () => {
    const image = { id: digestOf("c"), names: [], digests: [], layers: [digestOf("l")], size: 1, created: 0, importedAt: 0, config: { entrypoint: [], cmd: [], env: [], workingDir: "", user: "", stopSignal: "", volumes: [], labels: {}, exposedPorts: [] } };
    const types = (type: "oci" | "v2s2"): readonly string[] => [...manifestText(image, Buffer.from("c"), { type, sizeOf: () => 7 }).matchAll(/"mediaType":"([^"]*)"/g)].map(([, each]) => each ?? "");
    expect(types("oci")).toEqual(["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"]);
    expect(types("v2s2")).toEqual(["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar"]);
  });
});

describe("saveToFile", () => {
  async function* parts(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) {
      if (text === "!") throw new Error("broken");
      yield Buffer.from(text);
    }
  }

  test("saveToFile() leaves what was there until everything is written", async () => {
    using at = scratch();
    await saveToFile(`${at.path}/f`, parts("one ", "two"));
    await expect(saveToFile(`${at.path}/f`, parts("three", "!"))).rejects.toThrow("broken");
    expect([readFileSync(`${at.path}/f`, "utf8"), readdirSync(at.path)]).toEqual(["one two", ["f"]]);
  });

  test("saveToFile() says why a file cannot be written, before it asks for anything", async () => {
    using at = scratch();
    writeFileSync(`${at.path}/file`, "");
    const asked = async function* (): AsyncGenerator<Uint8Array> {
      yield* [];
      throw new Error("asked");
    };
    await expect(saveToFile(`${at.path}/none/f`, asked())).rejects.toThrow(`Cannot write "${at.path}/none/f": its directory does not exist`);
    await expect(saveToFile(at.path, asked())).rejects.toThrow(`Cannot write "${at.path}": it is a directory`);
    await expect(saveToFile(`${at.path}/file/f`, asked())).rejects.toThrow("its directory is a file");
    await expect(saveToFile("/dev/full", parts("x"))).rejects.toThrow('Cannot write "/dev/full": no space is left on the disk');
    await saveToFile("/dev/null", parts("x"));
  });
});
