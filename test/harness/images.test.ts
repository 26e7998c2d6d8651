import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { exec } from "../../src/base/exec.ts";
import { digestOf, scratch } from "../../src/storage/fixtures.ts";
import { everyEntry } from "./everyEntry.ts";
import { bigLayers, changingLayers } from "./images.ts";
import { blobPath, diffIdsOf, HOST, manifestOf, manifestsOf, readLayout, writeImageLayout, writeIndexLayout } from "./layout.ts";
import { drawing } from "./random.ts";
import { startRegistry } from "./registry.ts";
import { startHere } from "./room.ts";
import { treeOf } from "./tree.ts";

describe("images", () => {
  test("the layers are the same in every run", () => {
    const digests = (): readonly string[] => [...changingLayers({ layers: 3, files: 45, seed: 1 }), ...bigLayers({ bytes: 1e5, files: 60 }).map((make) => make())].map(digestOf);
    expect(digests()).toEqual(digests());
    expect(new Set(digests()).size).toBe(9);
    expect(digestOf(changingLayers({ layers: 1, files: 45, seed: 1 })[0] ?? "")).toBe(digests()[0] ?? "");
  });

  test("bigLayers() makes as many files and bytes as it is asked for", async () => {
    using at = scratch();
    for (const make of bigLayers({ bytes: 2e6, files: 240 })) await exec(["bsdtar", "-x", "-C", at.path, "-f", "-"], { stdin: make() });
    const files = treeOf(at.path).filter(({ type }) => type === "file");
    expect(files.length).toBe(240);
    expect(Math.abs(files.reduce((sum, { size = 0 }) => sum + size, 0) - 2e6)).toBeLessThan(1000);
  });

  test("writeImageLayout() and writeIndexLayout() write what skopeo reads, in every form", async () => {
    using at = scratch();
    const layers = changingLayers({ layers: 2, files: 45, seed: 2 });
    for (const [form, compression] of [["oci", "none"], ["oci", "gzip"], ["oci", "zstd"], ["docker", "gzip"]] as const) {
      const layout = await writeImageLayout(`${at.path}/${form}-${compression}`, { layers, form, compression });
      await exec(["skopeo", "copy", "--quiet", `oci:${layout.directory}`, `dir:${at.path}/out`]);
      expect(readLayout(layout.directory)).toEqual(layout);
      expect(diffIdsOf(layout)).toEqual(layers.map(digestOf));
    }
    const index = await writeIndexLayout(`${at.path}/index`, [{ layers, platform: { os: "linux", architecture: "s390x" } }, { layers }]);
    expect(manifestsOf(index).map(([{ platform }]) => platform?.architecture)).toEqual(["s390x", HOST.architecture]);
  });
});

describe("startRegistry", () => {
  test.skipIf(Bun.which("docker-registry") === null)("startRegistry() serves what is published and tells what was fetched, by TLS and with passwords, and dies when told to", async () => {
    using at = scratch();
    await using registry = await startRegistry(startHere, { tls: true, users: { joe: "secret" } });
    const layout = await writeImageLayout(`${at.path}/layout`, everyEntry);
    const reference = registry.publish(layout, "some/where:1");
    await exec(["cp", registry.authority, `${at.path}/ca.crt`]);
    const copy = (password: string): Promise<unknown> => exec(["skopeo", "copy", "--quiet", "--src-creds", `joe:${password}`, "--src-cert-dir", at.path, `docker://${reference}`, `dir:${at.path}/copy`]);
    await expect(copy("wrong")).rejects.toThrow();
    expect(registry.fetched()).toEqual([]);
    await copy("secret");
    const digests = [manifestOf(layout).config, ...manifestOf(layout).layers].map(({ digest }) => digest);
    expect(registry.fetched().toSorted()).toEqual(digests.toSorted());
    registry.tamper(digests[1] ?? "", Buffer.from("other"));
    await expect(copy("secret")).rejects.toThrow();
    expect(readFileSync(blobPath(layout, digests[1] ?? "")).length).toBeGreaterThan(5);
    registry.freeze();
    await registry.die();
    await registry.revive();
    expect(registry.fetched().length).toBeGreaterThanOrEqual(digests.length);
  });
});

describe("treeOf", () => {
  test("treeOf() tells entries apart by everything an image says of them", async () => {
    using at = scratch();
    await exec(["sh", "-ec", 'cd "$1"; echo a >a; ln a b; ln -s a c; mkdir d; mkfifo d/e; chmod 4711 a', "-", at.path]);
    const tree = treeOf(at.path);
    expect(tree.map(({ path, type, mode }) => `${path} ${type} ${mode}`).slice(1)).toEqual(["./a file 4711", "./b file 4711", "./c symlink 777", "./d directory 755", "./d/e fifo 644"]);
    expect(tree.map(({ linkOf }) => linkOf)).toEqual([undefined, undefined, "./a", undefined, undefined, undefined]);
    expect(tree[1]?.content).toBe(digestOf("a\n").slice(7));
  });
});

describe("drawing", () => {
  test("drawing() repeats its numbers, which are below the limit and spread out", () => {
    const numbers = (seed: number): readonly number[] => Array.from({ length: 1000 }, ((draw) => () => draw(10))(drawing(seed)));
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
    expect(new Set(numbers(7))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });
});
