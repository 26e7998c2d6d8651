import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { CHECKOUT, digestOf, type Member, scratch, tar, writeLayout, writeTar } from "./fixtures.ts";
import { fakeCatalog } from "./fake.ts";
import { ensureLayer, presentLayer } from "./layers.ts";
import { layerDirectory, layerHome, namesIn, recoverStorage, temporaryDirectory } from "./layout.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";
import type { Store, StoreProgress } from "./storage.ts";

setDefaultTimeout(60_000); // outside commands, on machines that do other things

const root = process.getuid?.() === 0;
const BUN = process.execPath;
const BYTE = Buffer.from([0x63, 0xe9]); // "cé" in latin1: not UTF-8

const storeAt = (directory: string): Store => ({ directory, catalog: fakeCatalog() });

/** Unpacks members into a fresh store and returns the layer's directory. */
async function layerOf(directory: string, members: readonly Member[]): Promise<string> {
  const layer = writeTar(`${directory}/layer.tar`, members);
  await ensureLayer(storeAt(directory), layer);
  return layerDirectory(directory, layer.diffId);
}

describe.skipIf(!root)("layers (needs root)", () => {
  test("ensureLayer() keeps owners, modes, times, links, devices, attributes and names that are not UTF-8", async () => {
    using at = scratch();
    const capability = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    const layer = await layerOf(at.path, [
      { name: "./", type: "directory", mode: 0o750, uid: 5, gid: 6 },
      { name: "f", content: "x", mode: 0o6755, uid: 1000, gid: 2000, mtime: 12_345, pax: { "SCHILY.xattr.user.note": "hi" } },
      { name: "ping", content: "x", pax: { "SCHILY.xattr.security.capability": capability } },
      { name: "h", type: "hardlink", link: "f" },
      { name: "s", type: "symlink", link: "/etc/passwd" },
      { name: "null", type: "char", device: [1, 3], mode: 0o666 },
      { name: "p", type: "fifo" },
      { name: BYTE, content: "b" },
      { name: "n".repeat(90), content: "", pax: { path: `${"d".repeat(120)}/${"e".repeat(120)}` } },
    ]);
    const file = statSync(`${layer}/f`);
    expect([file.mode & 0o7777, file.uid, file.gid, file.mtimeMs, file.nlink]).toEqual([0o6755, 1000, 2000, 12_345_000, 2]);
    expect(statSync(`${layer}/h`).ino).toBe(file.ino);
    expect(readlinkSync(`${layer}/s`)).toBe("/etc/passwd");
    expect([lstatSync(`${layer}/null`).isCharacterDevice(), lstatSync(`${layer}/null`).rdev, lstatSync(`${layer}/p`).isFIFO()]).toEqual([true, 0x103, true]);
    expect(readFileSync(Buffer.concat([Buffer.from(`${layer}/`), BYTE]), "utf8")).toBe("b");
    expect(existsSync(`${layer}/${"d".repeat(120)}/${"e".repeat(120)}`)).toBe(true);
    const attributes = await exec(["python3", "-c", "import os,sys; print(os.getxattr(sys.argv[1]+'/f','user.note'), os.getxattr(sys.argv[1]+'/ping','security.capability').hex())", layer]);
    expect(attributes.stdout.trim()).toBe(`b'hi' ${Buffer.from(capability, "latin1").toString("hex")}`);
    const top = statSync(`${layer}/.`);
    expect([top.mode & 0o7777, top.uid, top.gid]).toEqual([0o750, 5, 6]);
  });

  test("ensureLayer() keeps the times of directories in any order of entries, and of the root", async () => {
    using at = scratch();
    const layer = await layerOf(at.path, [
      { name: "./", type: "directory", mtime: 5, pax: { mtime: "5.123456789" } },
      { name: "a/b/f", content: "x" },
      { name: "a/b/", type: "directory", mtime: 6 },
      { name: "a/b/g", content: "x" },
      { name: "a/", type: "directory", mtime: 7, pax: { mtime: "-7.25" } },
      { name: "c/", type: "directory", mtime: 8 },
      { name: "c/", type: "directory", mtime: 9 },
      { name: "c/.wh.gone" },
      { name: "d/", type: "directory", mtime: 10 },
      { name: "d", type: "symlink", link: "c" },
    ]);
    const times = (path: string): bigint => lstatSync(`${layer}/${path}`, { bigint: true }).mtimeNs;
    expect([times("."), times("a/b"), times("a"), times("c")]).toEqual([5_123_456_789n, 6_000_000_000n, -7_250_000_000n, 9_000_000_000n]);
    expect(readlinkSync(`${layer}/d`)).toBe("c");
  });

  test.each(["gzip", "zstd", "xz", "bzip2"])("ensureLayer() takes %s, and the diff ID is of the uncompressed bytes", async (program) => {
    using at = scratch();
    const { archive, diffId } = writeTar(`${at.path}/layer.tar`, [{ name: "f", content: "x" }]);
    await exec([program, "-k", archive]);
    const [packed] = readdirSync(at.path).filter((name) => name.startsWith("layer.tar."));
    const store = storeAt(at.path);
    const layer = await ensureLayer(store, { archive: `${at.path}/${packed}`, diffId });
    expect([layer.diffId, layer.size, layer.damage]).toEqual([diffId, statSync(archive).size, ""]);
    expect(presentLayer(store, diffId)).toEqual(layer);
  });

  test("ensureLayer() says how much of the archive it has read, and counts the entries", async () => {
    using at = scratch();
    const { archive } = writeTar(`${at.path}/layer.tar`, Array.from({ length: 3000 }, (_, index) => ({ name: `d/${index}`, content: String(index).repeat(300) })));
    for (const path of [archive, `${archive}.gz`]) {
      if (path !== archive) await exec(["gzip", archive]);
      const told: StoreProgress[] = [];
      const blob = { digest: digestOf(path), size: statSync(path).size };
      const layer = await ensureLayer(storeAt(`${path}.store`), { archive: path, blob }, { progress: (progress) => void told.push(progress) });
      expect(layer.entries).toBe(3000);
      expect([told[0], told.at(-2), told.at(-1)]).toEqual([
        { step: "unpack", blob: blob.digest, bytes: 0 },
        { step: "unpack", blob: blob.digest, bytes: blob.size },
        { step: "layer", blob: blob.digest, state: "done" },
      ]);
    }
  });

  test("ensureLayer() calls a layer the same from the first step to the last, also when only its archive is known", async () => {
    using at = scratch();
    const { archive, diffId } = writeTar(`${at.path}/layer.tar`, [{ name: "a", content: "x" }]);
    for (const [source, called] of [[{ archive }, archive], [{ archive, diffId }, diffId]] as const) {
      const told: StoreProgress[] = [];
      await ensureLayer(storeAt(`${at.path}/${told.length}-${called.length}`), source, { progress: (progress) => void told.push(progress) });
      expect(told.map((progress) => "blob" in progress && progress.blob)).toEqual(told.map(() => called));
      expect(told.at(-1)?.step).toBe("layer");
    }
  });

  test("ensureLayer() refuses an archive over the limits, and leaves nothing", async () => {
    using at = scratch();
    const { archive } = writeTar(`${at.path}/layer.tar`, [{ name: "a" }, { name: "b" }, { name: "c" }]);
    for (const limits of [{ entries: 2 }, { bytes: 2000 }]) {
      await expect(ensureLayer(storeAt(at.path), { archive }, { limits })).rejects.toMatchObject({ kind: "invalid", code: "EBOMB" });
    }
    expect([namesIn(`${at.path}/layers`), namesIn(temporaryDirectory(at.path))]).toEqual([[], []]);
    expect((await ensureLayer(storeAt(at.path), { archive }, { limits: { entries: 3 } })).entries).toBe(3);
  });

  test("ensureLayer() takes names that are not UTF-8 where pax wants UTF-8", async () => {
    using at = scratch();
    const layer = await layerOf(at.path, [{ name: "x", content: "b", pax: { path: BYTE.toString("latin1") } }]);
    expect(readFileSync(Buffer.concat([Buffer.from(`${layer}/`), BYTE]), "utf8")).toBe("b");
  });

  test("ensureLayer() takes empty layers", async () => {
    using at = scratch();
    expect(readdirSync(await layerOf(at.path, []))).toEqual([]);
  });

  test("ensureLayer() refuses an archive with another digest, and leaves nothing", async () => {
    using at = scratch();
    const { archive } = writeTar(`${at.path}/layer.tar`, [{ name: "f" }]);
    const diffId = `sha256:${"0".repeat(64)}`;
    await expect(ensureLayer(storeAt(at.path), { archive, diffId })).rejects.toThrow(/its archive has the digest sha256:/);
    expect([existsSync(layerHome(at.path, diffId)), namesIn(temporaryDirectory(at.path))]).toEqual([false, []]);
    expect(() => layerDirectory(at.path, diffId)).toThrow("it is not in the store");
    expect(() => layerDirectory(at.path, "sha256:../../etc")).toThrow("as a digest");
  });

  test("ensureLayer() turns whiteouts into overlayfs's, which hide lower layers only", async () => {
    using at = scratch();
    const below = await layerOf(at.path, [
      ...["a/gone", "a/stays", "b/hidden", "c/old", "d"].map((name) => ({ name, content: "lower" })),
      { name: Buffer.concat([Buffer.from("a/"), BYTE]), content: "lower" },
    ]);
    const above = await layerOf(at.path, [
      { name: "a", type: "directory", mtime: 77 },
      { name: "a/.wh.gone" },
      { name: Buffer.concat([Buffer.from("a/.wh."), BYTE]) },
      { name: "b/.wh..wh..opq" },
      { name: "b/new", content: "upper" },
      { name: ".wh.c" },
      { name: "c/new", content: "upper" },
      { name: "d", content: "upper" },
      { name: ".wh.d" },
      { name: ".wh..wh.plnk/1.2", content: "" },
    ]);
    expect(statSync(`${above}/a`).mtimeMs).toBe(77_000);
    const target = `${at.path}/root`;
    mountRootfs({ layers: [below, above], upper: `${at.path}/u`, work: `${at.path}/w`, target });
    expect((await exec(["find", target, "-type", "f", "-printf", "%P "])).stdout.trim().split(" ").toSorted()).toEqual(["a/stays", "b/new", "c/new", "d"]);
    expect(readFileSync(`${target}/d`, "utf8")).toBe("upper");
    unmountRootfs(target);
  });

  test.each([".wh..", ".wh...", ".wh."])("ensureLayer() refuses the whiteout %s", async (name) => {
    using at = scratch();
    await expect(layerOf(at.path, [{ name }])).rejects.toThrow("it must hide a name");
  });

  test("layerDirectory() gives a longer name when another layer has the short one", async () => {
    using at = scratch();
    const { archive, diffId } = writeTar(`${at.path}/layer.tar`, []);
    await ensureLayer(storeAt(at.path), { archive, diffId });
    mkdirSync(`${at.path}/l`);
    symlinkSync("../layers/other/diff", `${at.path}/l/${diffId.slice(7, 13)}`);
    expect(layerDirectory(at.path, diffId)).toBe(`${at.path}/l/${diffId.slice(7, 14)}`);
    expect(layerDirectory(at.path, diffId)).toBe(`${at.path}/l/${diffId.slice(7, 14)}`);
  });

  const script = `
    import { importImage } from "${CHECKOUT}/src/storage/import.ts";
    import { fakeCatalog } from "${CHECKOUT}/src/storage/fake.ts";
    const [, , directory = "", source = ""] = process.argv;
    await importImage({ directory, catalog: fakeCatalog() }, source, { progress: (event) => console.log(JSON.stringify(event)) });
  `;

  /** An OCI layout with three layers of many files. */
  function bigLayout(directory: string): string {
    const layers = ["a", "b", "c"].map((name) => tar(Array.from({ length: 3000 }, (_, index) => ({ name: `${name}/${index % 50}/${index}`, content: "x".repeat(2000) }))));
    return writeLayout(`${directory}/layout`, { layers, config: {} });
  }

  test("importImage() of one image by several processes at once unpacks every layer once", async () => {
    using at = scratch();
    const source = bigLayout(at.path);
    writeFileSync(`${at.path}/import.ts`, script);
    const runs = await Promise.all(Array.from({ length: 4 }, () => exec([BUN, `${at.path}/import.ts`, `${at.path}/store`, source])));
    const events = runs.flatMap(({ stdout }) => stdout.trim().split("\n"));
    expect(events.filter((line) => line.includes('"done"')).length).toBe(3);
    expect(events.filter((line) => line.includes('"present"')).length).toBe(9);
    expect(namesIn(temporaryDirectory(`${at.path}/store`))).toEqual([]);
  });

  test("importImage() after kill -9 at many points converges, with nothing half-made visible or left", async () => {
    using at = scratch();
    const source = bigLayout(at.path);
    const store = `${at.path}/store`;
    writeFileSync(`${at.path}/import.ts`, script);
    for (const delay of [30, 60, 90, 120, 150, 180, 220, 260, 300, 350, 400, 500]) {
      const child = Bun.spawn([BUN, `${at.path}/import.ts`, store, source], { stdout: "ignore", stderr: "ignore" });
      const timer = setTimeout(() => child.kill("SIGKILL"), delay);
      await child.exited;
      clearTimeout(timer);
      for (const layer of namesIn(`${store}/layers`)) {
        expect((await exec(["find", `${store}/layers/${layer}/diff`, "-type", "f", "-size", "2000c"])).stdout.split("\n").length - 1).toBe(3000);
      }
    }
    await exec([BUN, `${at.path}/import.ts`, store, source]);
    expect(namesIn(`${store}/layers`).length).toBe(3);
    expect([await recoverStorage(store), namesIn(temporaryDirectory(store))]).toEqual([true, []]);
  });
});
