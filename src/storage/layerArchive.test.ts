import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { readFacts, writeFacts } from "./facts.ts";
import { fakeCatalog } from "./fake.ts";
import { digestOf, type Member, scratch, tar } from "./fixtures.ts";
import { ensureLayer } from "./layers.ts";
import { writeLayerArchive } from "./layerArchive.ts";
import { layerFiles, layerHome } from "./layout.ts";
import type { Store } from "./storage.ts";

setDefaultTimeout(60_000);

const root = process.getuid?.() === 0;
const LATIN1 = Buffer.from([0x63, 0xe9]);
const storeAt = (path: string): Store => ({ directory: `${path}/store`, catalog: fakeCatalog() });

/** Unpacks an archive, makes it again, and says how it was kept. The bytes must be the same. */
async function roundTrip(at: string, bytes: Uint8Array): Promise<"split" | "kept" | undefined> {
  writeFileSync(`${at}/in.tar`, bytes);
  const diffId = digestOf(bytes);
  const store = storeAt(at);
  await ensureLayer(store, { archive: `${at}/in.tar`, diffId });
  await writeLayerArchive(store, diffId, `${at}/out.tar`);
  expect(readFileSync(`${at}/out.tar`).equals(Buffer.from(bytes))).toBe(true);
  return readFacts(layerHome(store.directory, diffId))?.archive;
}

/** A tree with everything that tools write into archives. */
async function makeTree(path: string): Promise<void> {
  mkdirSync(`${path}/${"deep/".repeat(30)}`, { recursive: true });
  writeFileSync(`${path}/${"deep/".repeat(30)}${"n".repeat(200)}`, "long name");
  mkdirSync(`${path}/empty`);
  writeFileSync(`${path}/none`, "");
  writeFileSync(`${path}/big`, Buffer.alloc(3_000_001, "big content "));
  writeFileSync(`${path}/block`, Buffer.alloc(512, "b"));
  writeFileSync(`${path}/new\nline\x1b[1m`, "odd name");
  writeFileSync(`${path}/\u00fcml\u00e4ut`, "odd name");
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), LATIN1]), "not UTF-8");
  linkSync(`${path}/big`, `${path}/zlink`);
  symlinkSync("x".repeat(300), `${path}/long-link`);
  symlinkSync("big", `${path}/link`);
  writeFileSync(`${path}/sparse`, "");
  truncateSync(`${path}/sparse`, 5_000_000);
  writeFileSync(`${path}/sparse`, "end", { flag: "a" });
  chmodSync(`${path}/none`, 0o4711);
  await exec(["mknod", `${path}/device`, "c", "1", "3"]);
  await exec(["mkfifo", `${path}/fifo`]);
  await exec(["python3", "-c", "import os,sys; os.setxattr(sys.argv[1]+'/block', 'user.note', bytes(range(256))); os.setxattr(sys.argv[1]+'/empty', 'user.d', b'x')", path]);
}

const file = (name: Member["name"], content: string, more: Partial<Member> = {}): Member => ({ name, content, ...more });

const shapes: readonly (readonly [string, () => Uint8Array, "split" | "kept"])[] = [
  ["nothing but the end mark", () => tar([]), "split"],
  ["nothing at all", () => new Uint8Array(), "split"],
  ["every type", () => tar([
    file("f", "x"), file("e", ""), { name: "h", type: "hardlink", link: "f" }, { name: "s", type: "symlink", link: "f" },
    { name: "c", type: "char", device: [1, 3] }, { name: "d", type: "directory" }, { name: "p", type: "fifo" },
  ]), "split"],
  ["names with ./, // and a leading /", () => tar([file("./a", "1"), file("b//c", "2"), file("/d", "3"), file("e/./f", "4"), { name: "./g/", type: "directory" }]), "split"],
  ["a directory twice", () => tar([{ name: "d/", type: "directory", mode: 0o700 }, file("d/f", "x"), { name: "d/", type: "directory" }]), "split"],
  ["pax records", () => tar([file("short", "x", { pax: { path: "a/very/long/name", mtime: "1.5", "SCHILY.xattr.user.a": "b" } })]), "split"],
  ["a size in a pax record", () => tar([file("f", "x".repeat(600), { pax: { size: "600" } }), file("g", "y")]), "split"],
  ["a pax path with a newline", () => tar([file("short", "x", { pax: { path: "a\nb" } })]), "kept"],
  ["a name that is not UTF-8", () => tar([file(LATIN1, "x".repeat(700)), file("f", "y")]), "split"],
  ["whiteouts with content", () => tar([file("d/.wh.a", "content of a whiteout"), file(".wh..wh..opq", ""), file(".wh..wh.plnk/7.8", "aufs"), file("f", "x")]), "split"],
  ["a file twice", () => tar([file("f", "1"), file("f", "22")]), "kept"],
  ["a file twice, of one size", () => tar([file("f", "1"), file("./f", "2")]), "kept"],
  ["a file that a link replaces", () => tar([file("g", "x"), file("f", "1"), { name: "f", type: "symlink", link: "g" }]), "kept"],
  ["a link that a file is written through", () => tar([file("f", "1"), { name: "h", type: "hardlink", link: "f" }, file("h", "2")]), "kept"],
  ["a file that a directory replaces", () => tar([file("f", "1"), { name: "f", type: "directory" }]), "kept"],
  ["bytes behind the end mark", () => Buffer.concat([tar([file("f", "1")]), Buffer.from("and then".repeat(1000)), tar([file("g", "2")])]), "split"],
  ["no end mark", () => tar([file("f", "1")]).subarray(0, 1024), "split"],
  ["half a block at the end", () => Buffer.concat([tar([file("f", "1")]), Buffer.alloc(100, 7)]), "split"],
  ["a hard link with content", () => tar([file("f", "1"), { name: "h", type: "hardlink", link: "f", content: "2", pax: { size: "1" } }]), "kept"],
  ["a signed checksum", () => signed(tar([file(LATIN1, "x"), file("g", "y")])), "kept"],
  ["a global header that says nothing of files", () => global("12 comment=x"), "split"],
  ["a global header that renames files", () => global("10 path=x\n"), "kept"],
];

/** A file behind a global pax header. */
function global(record: string): Buffer {
  const bytes = tar([file("pax", record.padEnd(12)), file("f", "x".repeat(600))]);
  bytes.fill("g", 156, 157);
  bytes.fill(" ", 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

/** The checksum of the first header as the sum of signed bytes, as some old programs have it. */
function signed(bytes: Buffer): Buffer {
  bytes.fill(" ", 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

describe.skipIf(!root)("layerArchive (needs root)", () => {
  test.each(shapes)("writeLayerArchive() gives back an archive with %s", async (_, bytes, how) => {
    using at = scratch();
    expect(await roundTrip(at.path, bytes())).toBe(how);
  });

  test.each([
    [["tar", "--format=gnu"], "split"], [["tar", "--format=pax"], "split"], [["tar", "--format=posix", "--xattrs"], "split"],
    [["tar", "--format=gnu", "-S"], "kept"], [["tar", "--format=posix", "-S"], "kept"], [["tar", "--format=oldgnu"], "split"],
    [["bsdtar", "--format=pax"], "kept"], [["bsdtar", "--format=gnutar"], "split"], [["bsdtar", "--format=pax", "--xattrs", "--no-read-sparse", "--exclude=new*"], "split"],
    [["tar", "--format=ustar"], "split"],
  ] as const)("writeLayerArchive() gives back what %j writes", async (argv, how) => {
    using at = scratch();
    await makeTree(`${at.path}/tree`);
    await exec([...argv, "-C", `${at.path}/tree`, "-cf", `${at.path}/made.tar`, "."], { allowFailure: true });
    expect(await roundTrip(at.path, readFileSync(`${at.path}/made.tar`))).toBe(how);
  });

  test("writeLayerArchive() gives back archives of random members", async () => {
    using at = scratch();
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48_271) % 0x7fffffff) % below;
    const one = (): Member => {
      const name = `${["a", "b", "./c", "d/e", ".wh.a", "d/.wh.x"][random(6)]}${random(40)}`;
      const type = (["file", "file", "file", "symlink", "directory", "fifo"] as const)[random(6)] ?? "file";
      const pax = random(4) === 0 ? { pax: { mtime: `${random(1000)}.25` } } : {};
      return { name, type, ...pax, ...(type === "file" && { content: "c".repeat(random(3) * random(1500)) }), ...(type === "symlink" && { link: "a" }) };
    };
    const hows = new Set<string | undefined>();
    for (let round = 0; round < 25; round += 1) {
      mkdirSync(`${at.path}/${round}`);
      // What cannot be unpacked at all (a file over a directory) has no archive
      await roundTrip(`${at.path}/${round}`, tar(Array.from({ length: random(25) }, one))).then((how) => hows.add(how), (thrown: unknown) => expect(thrown).toMatchObject({ kind: "invalid" }));
    }
    expect([...hows].toSorted()).toEqual(["kept", "split"]);
  });

  test.each(["gzip", "zstd"])("writeLayerArchive() gives the uncompressed archive of a layer that came as %s", async (program) => {
    using at = scratch();
    const store = storeAt(at.path);
    for (const members of [[file("f", "x")], [file("f", "x"), file("f", "y")]]) {
      const bytes = tar(members);
      writeFileSync(`${at.path}/in.tar`, bytes);
      await exec([program, "-f", `${at.path}/in.tar`]);
      const archive = readdirSync(at.path).filter((name) => name.startsWith("in.tar")).map((name) => `${at.path}/${name}`)[0] ?? "";
      const { diffId } = await ensureLayer(store, { archive });
      rmSync(archive);
      await writeLayerArchive(store, diffId, `${at.path}/out.tar`);
      expect(readFileSync(`${at.path}/out.tar`).equals(bytes)).toBe(true);
      rmSync(`${at.path}/out.tar`);
    }
  });

  test.each([
    ["has other content", (f: string) => writeFileSync(f, "CONTENT")],
    ["has another size", (f: string) => writeFileSync(f, "longer content")],
    ["is missing", (f: string) => rmSync(f)],
    ["is missing", (f: string) => { rmSync(f); symlinkSync("other", f); }],
  ])("writeLayerArchive() names the file that %s", async (how, damage) => {
    using at = scratch();
    const store = storeAt(at.path);
    writeFileSync(`${at.path}/in.tar`, tar([file("other", "content"), file("dir/f", "content")]));
    const { diffId } = await ensureLayer(store, { archive: `${at.path}/in.tar` });
    damage(`${layerFiles(layerHome(store.directory, diffId)).tree}/dir/f`);
    await expect(writeLayerArchive(store, diffId, `${at.path}/out.tar`)).rejects.toThrow(`its file "dir/f" ${how}`);
    expect(existsSync(`${at.path}/out.tar`)).toBe(false);
  });

  test("writeLayerArchive() says when the record is damaged, and of layers that have none", async () => {
    using at = scratch();
    const store = storeAt(at.path);
    writeFileSync(`${at.path}/in.tar`, tar([file("f", "content")]));
    const { diffId } = await ensureLayer(store, { archive: `${at.path}/in.tar` });
    const home = layerHome(store.directory, diffId);
    truncateSync(layerFiles(home).record, 20);
    await expect(writeLayerArchive(store, diffId, `${at.path}/out.tar`)).rejects.toMatchObject({ kind: "failed" });
    writeFacts(home, { diffId, size: 1, entries: 0 });
    await expect(writeLayerArchive(store, diffId, `${at.path}/out.tar`)).rejects.toThrow("did not record its archive: pull or import it again");
    await expect(writeLayerArchive(store, digestOf("none"), `${at.path}/out.tar`)).rejects.toMatchObject({ kind: "notFound" });
    expect(existsSync(`${at.path}/out.tar`)).toBe(false);
  });
});
