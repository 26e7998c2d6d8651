import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { fakeCatalog } from "./fake.ts";
import { CHECKOUT, digestOf, scratch, tar } from "./fixtures.ts";
import { collectGarbage } from "./images.ts";
import { EMPTY_CONFIG } from "./imageConfig.ts";
import { ensureLayer, presentLayer } from "./layers.ts";
import { configFile, layerDirectory, layerHome, namesIn, storeLock, takeLock } from "./layout.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";
import type { Image, Layer, Store } from "./storage.ts";

setDefaultTimeout(60_000);

const root = process.getuid?.() === 0;
const BUN = process.execPath;

/** A layer of so many KiB in one file. */
async function layer(store: Store, at: string, kib: number): Promise<Layer> {
  const archive = `${at}/${kib}.tar`;
  writeFileSync(archive, tar([{ name: `f${kib}`, content: "x".repeat(kib * 1024) }]));
  return await ensureLayer(store, { archive });
}

function image(name: string, layers: readonly Layer[]): Image {
  return { id: digestOf(name), names: [`localhost/${name}:1`], digests: [], layers: layers.map(({ diffId }) => diffId), size: 1, created: 0, importedAt: 0, config: EMPTY_CONFIG };
}

/** Removes the path and leaves nothing when it is what a store has by itself. */
const storeNames = (store: Store) => ["layers", "l", "configs", "tmp"].map((name) => namesIn(`${store.directory}/${name}`).toSorted());

describe.skipIf(!root)("garbage (needs root)", () => {
  test("collectGarbage() removes what no image reaches, rows and directories, and says what that gave back", async () => {
    using at = scratch();
    const store: Store = { directory: `${at.path}/store`, catalog: fakeCatalog() };
    const [kept, gone, rowless] = [await layer(store, at.path, 100), await layer(store, at.path, 200), await layer(store, at.path, 300)];
    store.catalog.put(image("kept", [kept]));
    for (const { diffId } of [kept, gone, rowless]) layerDirectory(store.directory, diffId);
    store.catalog.removeLayer(rowless.diffId);
    const lost: Layer = { ...gone, diffId: digestOf("a row without a directory") };
    store.catalog.putLayer(lost, { digest: digestOf("its blob"), size: 5 });
    mkdirSync(`${store.directory}/tmp/left`, { recursive: true });
    writeFileSync(`${store.directory}/tmp/left/f`, "x".repeat(50_000));
    mkdirSync(`${store.directory}/configs`);
    writeFileSync(configFile(store.directory, digestOf("kept")), "{}");
    writeFileSync(configFile(store.directory, digestOf("other")), "{}");
    symlinkSync("elsewhere", `${store.directory}/l/ffffff`);
    const collected = await collectGarbage(store);
    const bytes = Object.fromEntries((collected?.layers ?? []).map((each) => [each.diffId, Math.round(each.bytes / 102_400)]));
    expect(bytes).toEqual({ [gone.diffId]: 2, [rowless.diffId]: 3 });
    expect(Math.round((collected?.bytes ?? 0) / 10_240)).toBeWithin(55, 62);
    expect(store.catalog.layers().map(({ diffId }) => diffId)).toEqual([kept.diffId]);
    expect(store.catalog.layerOfBlob(digestOf("its blob"))).toBeUndefined();
    expect(storeNames(store)).toEqual([[kept.diffId.slice(7)], [kept.diffId.slice(7, 13)], [`${digestOf("kept").slice(7)}.json`], []]);
    expect(await collectGarbage(store)).toEqual({ layers: [], bytes: 0 });
  });

  test("collectGarbage() leaves layers that a root filesystem stands on, and does nothing while something is added", async () => {
    using at = scratch();
    const store: Store = { directory: `${at.path}/store`, catalog: fakeCatalog() };
    const used = await layer(store, at.path, 10);
    const target = `${at.path}/root`;
    mountRootfs({ layers: [layerDirectory(store.directory, used.diffId)], upper: `${at.path}/u`, work: `${at.path}/w`, target });
    expect((await collectGarbage(store))?.layers).toEqual([]);
    expect(readFileSync(`${target}/f10`, "utf8").length).toBe(10_240);
    unmountRootfs(target);
    {
      using _adding = await takeLock(storeLock(store.directory), { shared: true });
      expect(await collectGarbage(store)).toBeUndefined();
    }
    expect((await collectGarbage(store))?.layers.map(({ diffId }) => diffId)).toEqual([used.diffId]);
    expect(presentLayer(store, used.diffId)).toBeUndefined();
  });

  test("collectGarbage() killed at many points converges", async () => {
    using at = scratch();
    const store: Store = { directory: `${at.path}/store`, catalog: fakeCatalog() };
    const kept = await layer(store, at.path, 7);
    const bytes = tar(Array.from({ length: 1500 }, (_, index) => ({ name: `d${index % 40}/${index}`, content: "x" })));
    writeFileSync(`${at.path}/many.tar`, bytes);
    const made = await ensureLayer(store, { archive: `${at.path}/many.tar` });
    await exec(["cp", "-a", layerHome(store.directory, made.diffId), `${at.path}/many`]);
    // Rows come back with every start, as if the crash had undone the transaction; every other time they do not
    writeFileSync(`${at.path}/collect.ts`, `
      import { collectGarbage } from "${CHECKOUT}/src/storage/images.ts";
      import { fakeCatalog } from "${CHECKOUT}/src/storage/fake.ts";
      const catalog = fakeCatalog([${JSON.stringify(image("kept", [kept]))}]);
      if (process.argv[2] === "rows") for (const layer of ${JSON.stringify([kept, made])}) catalog.putLayer(layer);
      await collectGarbage({ directory: "${store.directory}", catalog });
    `);
    const run = async (delay: number | undefined, index: number): Promise<void> => {
      if (!existsSync(layerHome(store.directory, made.diffId)) && index % 4 === 0) await exec(["cp", "-a", `${at.path}/many`, layerHome(store.directory, made.diffId)]);
      const child = Bun.spawn([BUN, `${at.path}/collect.ts`, index % 2 === 0 ? "rows" : "none"], { stdout: "ignore", stderr: "inherit" });
      const timer = delay === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), delay);
      await child.exited;
      clearTimeout(timer);
      expect(existsSync(`${layerHome(store.directory, kept.diffId)}/diff/f7`)).toBe(true);
    };
    for (const [index, delay] of Array.from({ length: 24 }, (_, index) => 15 + index * 4).entries()) await run(delay, index);
    await run(undefined, 1);
    expect(storeNames(store)).toEqual([[kept.diffId.slice(7)], [], [], []]);
  });
});
