/** Archives that mean harm: whatever they try, nothing outside their layer's directory changes, and nothing of them stays. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync, writeSync } from "node:fs";
import { messageOf, WherryError } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { mount } from "../base/libc.ts";
import { checkLayer } from "./check.ts";
import { fakeCatalog } from "./fake.ts";
import { type Member, scratch, tar, writeTar } from "./fixtures.ts";
import { ensureLayer, type LayerOptions } from "./layers.ts";
import { layerDirectory, namesIn, temporaryDirectory } from "./layout.ts";
import { mountRootfs } from "./rootfs.ts";
import type { Store } from "./storage.ts";
import { unpackTar } from "./unpack.ts";

setDefaultTimeout(60_000); // outside commands, on machines that do other things

const root = process.getuid?.() === 0;

const storeAt = (directory: string): Store => ({ directory, catalog: fakeCatalog() });

/** Everything below a directory: path, type and mode, owner, link, times. */
async function listing(directory: string): Promise<string> {
  return (await exec(["find", directory, "-printf", "%P %y %m %U:%G %l %T@ %C@\\n"])).stdout;
}

/** A directory with something to lose beside the store. */
interface Place {
  readonly path: string;
  readonly outside: string;
  readonly store: Store;
}

/** Runs an attack and checks that nothing beside the store has changed, and nothing half-made is left in it. */
async function attack<T>(act: (place: Place) => Promise<T>): Promise<T> {
  using at = scratch();
  const outside = `${at.path}/outside`;
  mkdirSync(`${outside}/sub`, { recursive: true });
  mkdirSync(`${at.path}/store`);
  writeFileSync(`${outside}/victim`, "good");
  writeFileSync(`${at.path}/victim`, "good");
  const before = [await listing(outside), await listing(`${at.path}/victim`)];
  const result = await act({ path: at.path, outside, store: storeAt(`${at.path}/store`) });
  expect([await listing(outside), await listing(`${at.path}/victim`)]).toEqual(before);
  expect([readFileSync(`${outside}/victim`, "utf8"), readFileSync(`${at.path}/victim`, "utf8")]).toEqual(["good", "good"]);
  expect(readdirSync(at.path).filter((name) => !name.startsWith("in.")).toSorted()).toEqual(["outside", "store", "victim"]);
  expect(namesIn(temporaryDirectory(`${at.path}/store`))).toEqual([]);
  return result;
}

/** Unpacks bytes as a layer, and says what came of it. */
async function taken({ path, store }: Place, bytes: Uint8Array, options: LayerOptions = {}): Promise<"taken" | WherryError> {
  writeFileSync(`${path}/in.tar`, bytes);
  return await outcome(ensureLayer(store, { archive: `${path}/in.tar` }, options));
}

const outcome = (attempt: Promise<unknown>): Promise<"taken" | WherryError> => attempt.then(() => "taken" as const, (thrown: unknown) => {
  if (thrown instanceof WherryError) return thrown;
  throw thrown;
});

describe.skipIf(!root)("hostile archives (needs root)", () => {
  // Each row: what the archive tries, and whether it is refused; whatever it does, nothing outside changes
  const hostile: readonly (readonly [string, (outside: string) => readonly Member[], boolean])[] = [
    ["a name with ..", () => [{ name: "../../victim", content: "bad" }], true],
    [".. inside a name", () => [{ name: "a/../../../victim", content: "bad" }], true],
    ["an absolute name", (outside) => [{ name: `${outside}/victim`, content: "bad" }], false],
    ["a file through a symbolic link", (outside) => [{ name: "l", type: "symlink", link: outside }, { name: "l/victim", content: "bad" }], true],
    ["a file through a relative symbolic link", () => [{ name: "l", type: "symlink", link: "../.." }, { name: "l/victim", content: "bad" }], true],
    ["a file over a symbolic link", (outside) => [{ name: "l", type: "symlink", link: `${outside}/victim` }, { name: "l", content: "bad" }], false],
    ["a directory over a symbolic link", (outside) => [{ name: "l", type: "symlink", link: outside }, { name: "l", type: "directory" }, { name: "l/victim", content: "bad" }], false],
    ["a hard link to an absolute name", (outside) => [{ name: "h", type: "hardlink", link: `${outside}/victim` }, { name: "h", content: "bad" }], true],
    ["a hard link to ..", () => [{ name: "h", type: "hardlink", link: "../../victim" }], true],
    ["a hard link through a symbolic link", (outside) => [{ name: "l", type: "symlink", link: outside }, { name: "h", type: "hardlink", link: "l/victim" }], true],
    ["a hard link with content to a symbolic link", (outside) => [{ name: "l", type: "symlink", link: `${outside}/victim` }, { name: "h", type: "hardlink", link: "l" }, { name: "h", content: "bad" }], false],
    ["a whiteout of ..", () => [{ name: "a/.wh..." }], true],
    ["a whiteout through a symbolic link", (outside) => [{ name: "l", type: "symlink", link: outside }, { name: "l/.wh.victim" }], true],
    ["overlay attributes", () => [{ name: "d", type: "directory", pax: { "SCHILY.xattr.trusted.overlay.redirect": "/victim" } }], true],
    ["file flags", () => [{ name: "f", content: "x", pax: { "SCHILY.fflags": "immutable" } }], false],
    ["a file through a symbolic link in a directory", (outside) => [{ name: "d/l", type: "symlink", link: outside }, { name: "d/l/sub/victim", content: "bad" }], true],
    ["a directory through a symbolic link", (outside) => [{ name: "l", type: "symlink", link: outside }, { name: "l/made", type: "directory" }], true],
    ["modes through a symbolic link", (outside) => [{ name: "l", type: "symlink", link: `${outside}/victim` }, { name: "l/", type: "directory", mode: 0o777, uid: 5 }], false],
    ["a symbolic link over the root", (outside) => [{ name: "./", type: "symlink", link: outside }, { name: "victim", content: "bad" }], true],
    ["a long pax name with ..", () => [{ name: "x", content: "bad", pax: { path: `${"a/".repeat(200)}${"../".repeat(210)}victim` } }], true],
    ["a pax hard link to outside", (outside) => [{ name: "h", type: "hardlink", link: "x", pax: { linkpath: `${outside}/victim` } }, { name: "h", content: "bad" }], true],
    ["setuid and device entries", () => [{ name: "su", content: "x", mode: 0o6755 }, { name: "disk", type: "char", device: [8, 0] }], false],
    ["names with control characters", () => [{ name: "a\nb\x1b[31m\x07", content: "x" }, { name: ".wh.c\nd" }], false],
    ["an entry twice", () => [{ name: "f", content: "1" }, { name: "f", content: "22" }], false],
    ["a file over a directory that is not empty", () => [{ name: "f/x", content: "1" }, { name: "f", content: "2" }], true],
  ];

  test.each(hostile)("ensureLayer() with %s touches nothing outside", async (_, members, refused) => {
    const result = await attack((place) => taken(place, tar(members(place.outside))));
    if (refused) expect(result).toMatchObject({ kind: "invalid" });
    else expect(result).toBe("taken");
  });

  test("ensureLayer() prints names from archives without anything that a terminal acts on", async () => {
    for (const name of ["../\x1b[31mred\x07\n", "a\u009b31m/../../b", "\u202egpj/../..", ".wh.\x1b]0;title\x07/..", "\x7f/../x"]) {
      const result = await attack((place) => taken(place, tar([{ name, content: "x" }])));
      expect(result).toMatchObject({ kind: "invalid" });
      expect(messageOf(result)).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e]/);
    }
  });

  const big = tar(Array.from({ length: 300 }, (_, index) => ({ name: `d/${index}`, content: String(index).repeat(900) })));

  test.each([
    ["within a header", (bytes: Buffer) => bytes.subarray(0, 512 * 100 + 17)],
    ["within a content", (bytes: Buffer) => bytes.subarray(0, 512 * 2 + 100)],
    ["within an extended header", () => tar([{ name: "x", content: "y", pax: { path: "z".repeat(3000) } }]).subarray(0, 1500)],
  ])("ensureLayer() refuses an archive that is cut off %s", async (_, cut) => {
    expect(await attack((place) => taken(place, cut(big)))).toMatchObject({ kind: "invalid" });
  });

  test.each(["gzip", "zstd", "xz", "bzip2"])("ensureLayer() refuses %s that is cut off, or damaged in the middle", async (program) => {
    for (const damage of [(bytes: Buffer) => bytes.subarray(0, bytes.length >> 1), (bytes: Buffer) => Buffer.from(bytes).fill(0x55, bytes.length >> 1, (bytes.length >> 1) + 40)]) {
      const result = await attack(async (place) => {
        writeFileSync(`${place.path}/in.raw`, big);
        await exec([program, "-q", "-k", `${place.path}/in.raw`]);
        const packed = readdirSync(place.path).find((name) => name.startsWith("in.raw.")) ?? "";
        return await taken(place, damage(readFileSync(`${place.path}/${packed}`)));
      });
      expect(result).toMatchObject({ kind: "invalid" });
    }
  });

  test("ensureLayer() refuses an archive with a wrong checksum", async () => {
    for (const at of [0, 512 + 1024]) {
      const bytes = Buffer.from(big);
      bytes.write("0000", at + 148);
      expect(await attack((place) => taken(place, bytes))).toMatchObject({ kind: "invalid" });
    }
  });

  /** A file that unpacks to a thousand times `bytes` zeros behind `start`: zstd frames may follow each other. */
  async function endless(path: string, start: Uint8Array): Promise<void> {
    const frame = Bun.zstdCompressSync(Buffer.alloc(1 << 28));
    const fd = openSync(path, "w");
    writeSync(fd, Bun.zstdCompressSync(start));
    for (let count = 0; count < 1000; count += 1) writeSync(fd, frame);
    closeSync(fd);
  }

  const huge = tar([{ name: "zeros", content: "" }]).subarray(0, 512);
  huge.write("77777777777", 124);
  huge.fill(" ", 148, 156);
  huge.write(`${huge.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0`, 148);

  test.each([["a file", huge], ["the end mark", tar([{ name: "f", content: "x" }])]])("ensureLayer() stops a stream that does not end, within or behind %s", async (_, start) => {
    const result = await attack(async (place) => {
      await endless(`${place.path}/in.zst`, start);
      expect(statSync(`${place.path}/in.zst`).size).toBeLessThan(50_000_000);
      const begun = performance.now();
      const bomb = await outcome(ensureLayer(place.store, { archive: `${place.path}/in.zst` }, { limits: { bytes: 50_000_000 } }));
      await expect(ensureLayer(place.store, { archive: `${place.path}/in.zst` }, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
      expect(performance.now() - begun).toBeLessThan(20_000);
      return bomb;
    });
    expect(result).toMatchObject({ kind: "invalid", code: "EBOMB" });
  });

  test("ensureLayer() refuses a gzip bomb, and gives its space back", async () => {
    const result = await attack(async (place) => {
      writeFileSync(`${place.path}/in.gz`, Bun.gzipSync(Buffer.concat([huge, Buffer.alloc(200_000_000)])));
      expect(statSync(`${place.path}/in.gz`).size).toBeLessThan(2_000_000);
      return await outcome(ensureLayer(place.store, { archive: `${place.path}/in.gz` }, { limits: { bytes: 100_000_000 } }));
    });
    expect(result).toMatchObject({ kind: "invalid", code: "EBOMB", message: "Cannot unpack the layer: it has more than 100000000 bytes, which is the limit" });
  });

  test("ensureLayer() refuses a million entries over the limit", async () => {
    const directory = tar([{ name: "d", type: "directory" }]).subarray(0, 512);
    const result = await attack(async (place) => {
      writeFileSync(`${place.path}/in.zst`, Bun.zstdCompressSync(Buffer.alloc(512 * 1_001_000, directory)));
      return await outcome(ensureLayer(place.store, { archive: `${place.path}/in.zst` }, { limits: { entries: 1000 } }));
    });
    expect(result).toMatchObject({ kind: "invalid", code: "EBOMB", message: "Cannot unpack the layer: it has more than 1000 entries, which is the limit" });
  });

  test("ensureLayer() knows no entries of lower layers, and the merged view shows those of the upper one in their place", async () => {
    await attack(async ({ path, outside, store }) => {
      const directories: string[] = [];
      for (const [index, members] of [
        [{ name: "l", type: "symlink", link: outside }, { name: "m", type: "symlink", link: "../../outside" }, { name: "n", type: "symlink", link: outside }],
        [{ name: "l/victim", content: "bad" }, { name: "m/sub/victim", content: "bad" }, { name: ".wh.n" }],
      ].entries()) {
        const { archive, diffId } = writeTar(`${path}/in.${index}`, members as readonly Member[]); // the literals are members
        await ensureLayer(store, { archive, diffId });
        directories.push(layerDirectory(store.directory, diffId));
      }
      const target = `${store.directory}/root`;
      mountRootfs({ layers: directories, upper: `${store.directory}/u`, work: `${store.directory}/w`, target });
      expect((await exec(["find", target, "-mindepth", "1", "-printf", "%P %y\\n"])).stdout.trim().split("\n").toSorted()).toEqual(["l d", "l/victim f", "m d", "m/sub d", "m/sub/victim f"]);
      writeFileSync(`${target}/l/victim`, "written");
    });
    const link = await attack(async (place) => {
      expect(await taken(place, tar([{ name: "l", type: "symlink", link: place.outside }]))).toBe("taken");
      return await taken(place, tar([{ name: "h", type: "hardlink", link: "l/victim" }]));
    });
    expect(link).toMatchObject({ kind: "invalid" });
  });

  test.each([
    ["mtree, which reads files of the host", "#mtree\n./f type=file contents=/etc/hostname\n"],
    ["text", "hello\n"],
    ["a long text", "hello\n".repeat(1000)],
    ["a broken gzip", "\x1f\x8b\x08 broken"],
  ])("unpackTar() refuses %s", async (_, content) => {
    using at = scratch();
    mkdirSync(`${at.path}/into`);
    writeFileSync(`${at.path}/f`, content, "latin1");
    await expect(unpackTar(`${at.path}/f`, `${at.path}/into`)).rejects.toMatchObject({ kind: "invalid" });
    expect(readdirSync(`${at.path}/into`)).toEqual([]);
  });

  test("unpackTar() refuses an archive that ends too early, and reads on after the end mark", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/into`);
    const bytes = tar([{ name: "f", content: "x".repeat(100_000) }]);
    writeFileSync(`${at.path}/short`, bytes.subarray(0, 50_000));
    await expect(unpackTar(`${at.path}/short`, `${at.path}/into`)).rejects.toMatchObject({ kind: "invalid" });
    writeFileSync(`${at.path}/long`, Buffer.concat([bytes, Buffer.alloc(5_000_000)]));
    expect((await unpackTar(`${at.path}/long`, `${at.path}/into`)).size).toBe(bytes.length + 5_000_000);
  });

  test("unpackTar() ends at once when it is aborted", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/into`);
    const { archive } = writeTar(`${at.path}/f`, [{ name: "f" }]);
    await expect(unpackTar(archive, `${at.path}/into`, { signal: AbortSignal.abort() })).rejects.toThrow();
  });

  test.each([
    ["contents", tar([{ name: "f", content: "x".repeat(6_000_000) }])],
    ["inodes", tar(Array.from({ length: 900 }, (_, index) => ({ name: `f${index}`, content: "" })))],
    ["its archive, which is kept", tar([{ name: "f", content: "y" }, { name: "f", content: "x".repeat(2_500_000) }])],
  ])("ensureLayer() on a disk that is too small for %s says so, and gives the space back", async (_, bytes) => {
    using at = scratch();
    mkdirSync(`${at.path}/store`);
    mount("tmpfs", `${at.path}/store`, "tmpfs", 0n, "size=4m,nr_inodes=500");
    const store = storeAt(`${at.path}/store`);
    const small = await ensureLayer(store, writeTar(`${at.path}/small.tar`, [{ name: "g", content: "x".repeat(100_000) }]));
    const free = (): readonly number[] => [statfsSync(store.directory).bfree, statfsSync(store.directory).ffree];
    writeFileSync(`${at.path}/in.tar`, bytes);
    const before = free();
    await expect(ensureLayer(store, { archive: `${at.path}/in.tar` })).rejects.toMatchObject({
      kind: "failed", code: "ENOSPC", message: `Cannot unpack layer "${at.path}/in.tar": no space left on the disk of "${store.directory}"`,
    });
    expect([free(), namesIn(`${store.directory}/layers`), namesIn(`${store.directory}/tmp`)]).toEqual([before, [small.diffId.slice(7)], []]);
    expect(await checkLayer(store, small.diffId, { contents: true })).toEqual([]);
  });
});
