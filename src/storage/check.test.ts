import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, existsSync, linkSync, lutimesSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync, copyFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { checkLayer, checkStore } from "./check.ts";
import { writeFacts } from "./facts.ts";
import { fakeCatalog } from "./fake.ts";
import { CHECKOUT, digestOf, type Member, scratch, tar, writeLayout } from "./fixtures.ts";
import { collectGarbage } from "./images.ts";
import { EMPTY_CONFIG } from "./imageConfig.ts";
import { importImage } from "./import.ts";
import { ensureLayer, presentLayer } from "./layers.ts";
import { configFile, layerDirectory, layerFiles, layerHome, namesIn, recoverStorage } from "./layout.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";
import type { Image, Store } from "./storage.ts";

setDefaultTimeout(60_000);

const root = process.getuid?.() === 0;
const BUN = process.execPath;

const MEMBERS: readonly Member[] = [
  { name: "./", type: "directory", mtime: 0 },
  { name: "d/", type: "directory", mtime: 1000 },
  { name: "d/f", content: "content", mtime: 1000 },
  { name: "d/g", content: "of g", mtime: 1000, pax: { "SCHILY.xattr.user.note": "hi" } },
  { name: "d/h", type: "hardlink", link: "d/f" },
  { name: "l", type: "symlink", link: "d/f", mtime: 1000 },
  { name: "null", type: "char", device: [1, 3], mtime: 1000 },
  { name: ".wh.hidden" },
  { name: "o/.wh..wh..opq" },
];

/** A store with one layer. */
async function storeWith(at: string, members: readonly Member[] = MEMBERS): Promise<{ readonly store: Store; readonly diffId: string; readonly home: string; readonly tree: string; readonly archive: string }> {
  const store: Store = { directory: `${at}/store`, catalog: fakeCatalog() };
  const bytes = tar(members);
  const archive = `${at}/layer.tar`;
  writeFileSync(archive, bytes);
  const diffId = digestOf(bytes);
  await ensureLayer(store, { archive, diffId, blob: { digest: digestOf("blob"), size: 7 } });
  const home = layerHome(store.directory, diffId);
  return { store, diffId, home, tree: layerFiles(home).tree, archive };
}

const image = (id: string, layers: readonly string[]): Image =>
  ({ id, names: [`localhost/${id.slice(7, 13)}:latest`], digests: [], layers, size: 1, created: 0, importedAt: 0, config: EMPTY_CONFIG });

/** A change, and every sentence that is to be said about it. */
const changes: readonly (readonly [string, (tree: string) => unknown, readonly string[]])[] = [
  ["a missing file", (t) => { rmSync(`${t}/d/g`); utimesSync(`${t}/d`, 1000, 1000); }, ['"d/g" is missing']],
  ["an additional file", (t) => { writeFileSync(`${t}/d/f2`, ""); utimesSync(`${t}/d`, 1000, 1000); }, ['"d/f2" is additional']],
  ["an additional name that is odd", (t) => { writeFileSync(`${t}/d/f\n\x1b[1m`, ""); utimesSync(`${t}/d`, 1000, 1000); }, ['"d/f??[1m" is additional']],
  ["another time of a directory", (t) => utimesSync(`${t}/d`, 1000, 1001), ['"d" has modification time 1001.0000000000, it had 1000.0000000000']],
  ["another type", (t) => { rmSync(`${t}/d/g`); mkdirSync(`${t}/d/g`); utimesSync(`${t}/d`, 1000, 1000); }, ['"d/g" is a directory, it was a file']],
  ["another mode", (t) => chmodSync(`${t}/d/f`, 0o600), ['"d/f" has mode 600, it had 644', '"d/h" has mode 600, it had 644']],
  ["another owner", (t) => chownSync(`${t}/d/g`, 5, 6), ['"d/g" has owner 5:6, it had 0:0']],
  ["another size", (t) => { truncateSync(`${t}/d/g`, 100); utimesSync(`${t}/d/g`, 1000, 1000); }, ['"d/g" has size 100, it had 4']],
  ["another link", (t) => { rmSync(`${t}/l`); symlinkSync("d/g", `${t}/l`); lutimesSync(`${t}/l`, 1000, 1000); utimesSync(t, 0, 0); }, ['"l" leads to "d/g", it led to "d/f"']],
  ["another device", async (t) => { rmSync(`${t}/null`); await exec(["mknod", `${t}/null`, "c", "1", "5", "-m", "644"]); utimesSync(`${t}/null`, 1000, 1000); }, ['"null" has device number 261, it had 259']],
  ["an attribute more", (t) => exec(["python3", "-c", "import os,sys; os.setxattr(sys.argv[1], 'user.x', b'1')", `${t}/d/f`]), ['"d/f" has other extended attributes', '"d/h" has other extended attributes']],
  ["an attribute less", (t) => exec(["python3", "-c", "import os,sys; os.removexattr(sys.argv[1], 'trusted.overlay.opaque')", `${t}/o`]), ['"o" has other extended attributes']],
  ["other content, with size and time as they were", (t) => { writeFileSync(`${t}/d/g`, "OF G"); utimesSync(`${t}/d/g`, 1000, 1000); }, ['"d/g" has other content']],
];

describe.skipIf(!root)("check (needs root)", () => {
  for (const [kind, members] of [["a layer", MEMBERS], ["a layer whose archive is kept", [...MEMBERS, { name: "null", type: "char", device: [1, 3], mtime: 1000 }]]] as const) {
    test.each(changes)(`checkLayer() finds %s in ${kind}`, async (_, change, sentences) => {
      using at = scratch();
      const { store, diffId, tree } = await storeWith(at.path, members);
      await change(tree);
      utimesSync(tree, 0, 0);
      expect(await checkLayer(store, diffId)).toEqual([...sentences]);
      expect(await checkLayer(store, diffId, { contents: true })).toEqual(expect.arrayContaining([...sentences]));
    });
  }

  test.each([true, false])("checkLayer() finds nothing in a sound layer, contents %p", async (contents) => {
    using at = scratch();
    const { store, diffId } = await storeWith(at.path);
    expect(await checkLayer(store, diffId, { contents })).toEqual([]);
    const odd = await storeWith(`${at.path}`, [...MEMBERS, { name: "d/f", content: "again" }]);
    expect(await checkLayer(odd.store, odd.diffId, { contents })).toEqual([]);
    expect(namesIn(`${store.directory}/tmp`)).toEqual([]);
  });

  test("checkLayer() takes a layer that was copied with its times, or linked, as sound", async () => {
    using at = scratch();
    const { store, diffId, home, tree } = await storeWith(at.path);
    linkSync(`${tree}/d/f`, `${at.path}/backup`);
    expect(await checkLayer(store, diffId)).toEqual([]);
    await exec(["cp", "-a", home, `${at.path}/copy`]);
    rmSync(home, { recursive: true });
    renameSync(`${at.path}/copy`, home);
    expect(await checkLayer(store, diffId)).toEqual([]);
  });

  test.each([
    ["diff", "its tree is missing"], ["tree.zst", "the listing of its tree is missing"], ["record.zst", "the record of its archive is missing"],
    ["layer.json", "its layer.json is missing or damaged"], ["", "its directory is missing"],
  ])("checkLayer() finds %j missing", async (name, sentence) => {
    using at = scratch();
    const { store, diffId, home } = await storeWith(at.path);
    rmSync(`${home}/${name}`, { recursive: true });
    expect(await checkLayer(store, diffId)).toEqual([sentence]);
  });

  test("checkLayer() finds records that are damaged themselves", async () => {
    using at = scratch();
    const { store, diffId, home } = await storeWith(at.path);
    const { listing, record } = layerFiles(home);
    copyFileSync(record, `${at.path}/record`);
    truncateSync(record, 30);
    expect((await checkLayer(store, diffId, { contents: true })).join()).toContain("the record of its archive is damaged: ");
    copyFileSync(`${at.path}/record`, record);
    writeFileSync(listing, "nonsense");
    expect(await checkLayer(store, diffId)).toEqual(["the listing of its tree is damaged"]);
    writeFacts(home, { diffId, size: 1, entries: 0 });
    await expect(checkLayer(store, diffId)).rejects.toMatchObject({ code: "ENORECORD" });
  });

  test("checkStore() marks damaged layers, which are not served, and takes the mark away when they are sound again", async () => {
    using at = scratch();
    const { store, diffId, tree } = await storeWith(at.path);
    const content = readFileSync(`${tree}/d/g`);
    chmodSync(`${tree}/d/g`, 0o600);
    expect((await checkStore(store)).damaged).toEqual(new Map([[diffId, ['"d/g" has mode 600, it had 644']]]));
    expect(store.catalog.layer(diffId)).toMatchObject({ damage: '"d/g" has mode 600, it had 644', entries: 9 });
    expect(presentLayer(store, diffId)).toBeUndefined();
    expect(() => layerDirectory(store.directory, diffId)).toThrow("it is damaged");
    chmodSync(`${tree}/d/g`, 0o644);
    expect(await checkStore(store)).toMatchObject({ damaged: new Map(), recovered: [diffId] });
    expect([presentLayer(store, diffId)?.damage, existsSync(layerDirectory(store.directory, diffId)), content.toString()]).toEqual(["", true, "of g"]);
    expect(store.catalog.layerOfBlob(digestOf("blob"))?.diffId).toBe(diffId);
  });

  test("checkStore() does not take back by a quick look what reading everything has found", async () => {
    using at = scratch();
    const { store, diffId, tree, home } = await storeWith(at.path);
    writeFileSync(`${tree}/d/g`, "OF G");
    utimesSync(`${tree}/d/g`, 1000, 1000);
    const facts = JSON.parse(readFileSync(layerFiles(home).facts, "utf8"));
    writeFacts(home, { ...facts, newest: "9999999999.0000000000" }); // as if the disk had lost it by itself
    expect((await checkStore(store)).damaged.size).toBe(0);
    expect((await checkStore(store, { contents: true })).damaged.get(diffId)).toEqual(['"d/g" has other content']);
    expect((await checkStore(store)).damaged.get(diffId)).toEqual(['"d/g" has other content']);
  });

  test("ensureLayer() unpacks a damaged layer anew and puts it in its place", async () => {
    using at = scratch();
    const { store, diffId, tree, archive } = await storeWith(at.path);
    for (const source of [{ archive, diffId }, { archive }]) {
      rmSync(`${tree}/d/g`);
      await checkStore(store);
      expect(presentLayer(store, diffId)).toBeUndefined();
      expect(await ensureLayer(store, source)).toMatchObject({ diffId, damage: "" });
      expect([await checkLayer(store, diffId, { contents: true }), presentLayer(store, diffId)?.damage]).toEqual([[], ""]);
      expect(namesIn(`${store.directory}/tmp`)).toEqual([]);
    }
  });

  test("ensureLayer() leaves a damaged layer where it is while a root filesystem stands on it", async () => {
    using at = scratch();
    const { store, diffId, tree, archive } = await storeWith(at.path);
    const target = `${at.path}/root`;
    mountRootfs({ layers: [layerDirectory(store.directory, diffId)], upper: `${at.path}/u`, work: `${at.path}/w`, target });
    rmSync(`${tree}/d/g`);
    await checkStore(store);
    await expect(ensureLayer(store, { archive, diffId })).rejects.toMatchObject({ kind: "conflict", message: `Cannot replace damaged layer "${diffId}": it is mounted at ${target}` });
    await expect(ensureLayer(store, { archive })).rejects.toMatchObject({ kind: "conflict" });
    expect(readFileSync(`${target}/d/f`, "utf8")).toBe("content");
    unmountRootfs(target);
    expect((await ensureLayer(store, { archive, diffId })).damage).toBe("");
  });

  test("checkStore() finds images that miss something, and what nobody reaches", async () => {
    using at = scratch();
    const { store, diffId } = await storeWith(at.path);
    const source = writeLayout(`${at.path}/layout`, { layers: [tar([{ name: "other" }])], config: {} });
    const sound = await importImage(store, source, { name: "sound" });
    const lost = digestOf("lost");
    const half = await importImage(store, writeLayout(`${at.path}/second`, { layers: [tar([{ name: "third" }])], config: { Env: ["A=b"] } }), { name: "half" });
    rmSync(layerHome(store.directory, half.layers[0] ?? ""), { recursive: true });
    writeFileSync(configFile(store.directory, half.id), "{}");
    store.catalog.put(image(lost, []));
    mkdirSync(`${store.directory}/tmp/half-made`);
    mkdirSync(`${store.directory}/l`);
    writeFileSync(`${store.directory}/configs/${"0".repeat(64)}.json`, "");
    symlinkSync(`../layers/${"1".repeat(64)}/diff`, `${store.directory}/l/111111`);
    const report = await checkStore(store);
    expect(report.images).toEqual(new Map([
      [half.id, [`its layer ${half.layers[0]} is missing or damaged`, "its configuration is damaged"]],
      [lost, ["its configuration is missing"]],
    ]));
    expect(report.leftovers).toEqual(["tmp/half-made", `layers/${diffId.slice(7)}`, "l/111111", `configs/${"0".repeat(64)}.json`]);
    expect([...report.damaged]).toEqual([[half.layers[0] ?? "", ["its directory is missing"]]]);
    await collectGarbage(store);
    expect((await checkStore(store)).leftovers).toEqual([]);
    expect(presentLayer(store, sound.layers[0] ?? "")?.damage).toBe("");
  });

  test("ensureLayer() of a damaged layer, killed at many points, converges", async () => {
    using at = scratch();
    const many = Array.from({ length: 400 }, (_, index) => ({ name: `d/${index}`, content: "x".repeat(100) }));
    const { store, diffId, tree, home, archive } = await storeWith(at.path, many);
    writeFileSync(`${at.path}/again.ts`, `
      import { ensureLayer } from "${CHECKOUT}/src/storage/layers.ts";
      import { fakeCatalog } from "${CHECKOUT}/src/storage/fake.ts";
      await ensureLayer({ directory: "${store.directory}", catalog: fakeCatalog() }, { archive: "${archive}", diffId: "${diffId}" });
    `);
    for (const delay of [20, 40, 50, 60, 70, 80, 90, 100, 120, 140, 160, 200, 250, 300]) {
      if (existsSync(tree)) rmSync(`${tree}/d/7`, { force: true });
      await checkStore(store);
      const child = Bun.spawn([BUN, `${at.path}/again.ts`], { stdout: "ignore", stderr: "ignore" });
      const timer = setTimeout(() => child.kill("SIGKILL"), delay);
      await child.exited;
      clearTimeout(timer);
      // Either the old one, which is not served; or none; or the new one, which is whole
      if (existsSync(home) && !existsSync(layerFiles(home).damage)) expect(await checkLayer(store, diffId)).toEqual([]);
    }
    await recoverStorage(store.directory);
    expect((await ensureLayer(store, { archive, diffId })).damage).toBe("");
    expect([await checkLayer(store, diffId, { contents: true }), namesIn(`${store.directory}/tmp`)]).toEqual([[], []]);
  });
});
