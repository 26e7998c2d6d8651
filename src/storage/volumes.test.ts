import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statfsSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { mount, MS_BIND, unmount } from "../base/libc.ts";
import type { ConfigMap, Namespace, Secret } from "../spec/spec.ts";
import { writeVolumeFiles } from "./atomicVolume.ts";
import { scratch } from "./fixtures.ts";
import { prepareHostPath } from "./hostPath.ts";
import { mountImage } from "./imageVolume.ts";
import { mountsBelow } from "./mounts.ts";
import { openSubPath } from "./subPath.ts";
import { configMapFiles, secretFiles, type VolumeFile } from "./volumeFiles.ts";
import { makeConfigVolume, makeEmptyDir, makeMemoryVolume, makeSecretVolume, removePodVolumes } from "./volumes.ts";

const root = process.getuid?.() === 0;
const TMPFS = 0x01021994;
const mode = (path: string): number => statSync(path).mode & 0o7777;
const file = (path: string, content: string, bits = 0o644): VolumeFile => ({ path, content: Buffer.from(content), mode: bits });

const metadata = { name: "web", namespace: "default" as Namespace, labels: {}, annotations: {} }; // a fixture is its own check
const CONFIG_MAP: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "text" }, binaryData: { b: "AP8=" } };
const SECRET: Secret = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data: { password: "cGFzcw==" } };
const volume = { name: "web", secretName: "web", defaultMode: 0o640, optional: false };

describe("volumeFiles", () => {
  test("configMapFiles() and secretFiles() give all keys the default mode", () => {
    expect(configMapFiles(CONFIG_MAP, volume)).toEqual([file("a", "text", 0o640), { path: "b", content: Buffer.from([0, 255]), mode: 0o640 }]);
    expect(secretFiles(SECRET, volume)).toEqual([file("password", "pass", 0o640)]);
  });

  test("configMapFiles() gives the chosen keys paths and modes", () => {
    const items = [{ key: "a", path: "x/y", mode: 0o400 }, { key: "a", path: "z" }];
    expect(configMapFiles(CONFIG_MAP, { ...volume, items })).toEqual([file("x/y", "text", 0o400), file("z", "text", 0o640)]);
  });

  test("configMapFiles() and secretFiles() miss objects and keys in the kubelet's words, unless optional", () => {
    const items = [{ key: "none", path: "x" }];
    expect(() => configMapFiles(undefined, volume)).toThrow('configmap "web" not found');
    expect(() => secretFiles(undefined, volume)).toThrow('secret "web" not found');
    expect(() => configMapFiles(CONFIG_MAP, { ...volume, items })).toThrow("configmap references non-existent config key: none");
    expect(() => secretFiles(SECRET, { ...volume, items })).toThrow("secret references non-existent secret key: none");
    expect(configMapFiles(undefined, { ...volume, optional: true })).toEqual([]);
    expect(secretFiles(SECRET, { ...volume, items, optional: true })).toEqual([]);
  });
});

describe("atomicVolume", () => {
  test("writeVolumeFiles() lays files out as the kubelet does", () => {
    using at = scratch();
    expect(writeVolumeFiles(at.path, [file("a", "1", 0o400), file("d/e/f", "2", 0o755), file("d/g", "3")])).toBe(true);
    const version = readlinkSync(`${at.path}/..data`);
    expect(version).toMatch(/^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\w+$/);
    expect([readlinkSync(`${at.path}/a`), readlinkSync(`${at.path}/d`)]).toEqual(["..data/a", "..data/d"]);
    expect(readdirSync(at.path).toSorted()).toEqual(["..data", "a", "d", version].toSorted());
    expect([readFileSync(`${at.path}/d/e/f`, "utf8"), mode(`${at.path}/a`), mode(`${at.path}/d/e/f`), mode(`${at.path}/${version}`)]).toEqual(["2", 0o400, 0o755, 0o755]);
  });

  test("writeVolumeFiles() changes nothing when nothing changed, and everything at once when something did", () => {
    using at = scratch();
    writeVolumeFiles(at.path, [file("a", "1"), file("b", "1")]);
    const first = readlinkSync(`${at.path}/..data`);
    expect([writeVolumeFiles(at.path, [file("a", "1"), file("b", "1")]), readlinkSync(`${at.path}/..data`)]).toEqual([false, first]);
    const open = readFileSync(`${at.path}/b`, "utf8");
    expect(writeVolumeFiles(at.path, [file("a", "2"), file("c", "2")])).toBe(true);
    expect([open, readFileSync(`${at.path}/a`, "utf8"), readdirSync(at.path).filter((name) => !name.startsWith("..")).toSorted()]).toEqual(["1", "2", ["a", "c"]]);
    expect(existsSync(`${at.path}/${first}`)).toBe(false);
    expect(writeVolumeFiles(at.path, [file("a", "2", 0o600), file("c", "2")])).toBe(true); // a mode is a change
    expect(writeVolumeFiles(at.path, [])).toBe(true);
    expect(readdirSync(at.path).length).toBe(2);
  });

  test("writeVolumeFiles() goes on from wherever a crash stopped it", () => {
    using at = scratch();
    writeVolumeFiles(at.path, [file("a", "1")]);
    mkdirSync(`${at.path}/..2020_01_01_00_00_00.half`);
    symlinkSync("..2020_01_01_00_00_00.half", `${at.path}/..data_tmp`);
    symlinkSync("..data/new", `${at.path}/new`);
    writeVolumeFiles(at.path, [file("a", "2")]);
    expect(readdirSync(at.path).toSorted()).toEqual(["..data", readlinkSync(`${at.path}/..data`), "a"].toSorted());
    rmSync(`${at.path}/${readlinkSync(`${at.path}/..data`)}`, { recursive: true });
    expect([writeVolumeFiles(at.path, [file("a", "2")]), readFileSync(`${at.path}/a`, "utf8")]).toEqual([true, "2"]);
  });

  test.each(["", "/a", "../a", "a/../b", "..a", "a//b", "a/", "./a", "x".repeat(256)])("writeVolumeFiles() refuses the path %j", (path) => {
    using at = scratch();
    expect(() => writeVolumeFiles(at.path, [file(path, "")])).toThrow("into a volume");
    expect(readdirSync(at.path)).toEqual([]);
  });
});

describe("hostPath", () => {
  const words: Readonly<Record<string, string>> = { Directory: "directory", File: "file", Socket: "socket file", CharDevice: "character device", BlockDevice: "block device", DirectoryOrCreate: "directory", FileOrCreate: "file" };

  test.each([
    ["Directory", "file"], ["DirectoryOrCreate", "file"], ["File", "directory"], ["FileOrCreate", "directory"], ["Socket", "file"], ["CharDevice", "file"], ["BlockDevice", "file"],
    ["Directory", "none"], ["File", "none"], ["Socket", "none"], ["CharDevice", "none"], ["BlockDevice", "none"],
  ] as const)("prepareHostPath() refuses for %s a %s, in the kubelet's words", (type, what) => {
    using at = scratch();
    writeFileSync(`${at.path}/file`, "");
    mkdirSync(`${at.path}/directory`);
    expect(() => prepareHostPath(`${at.path}/${what}`, type)).toThrow(`hostPath type check failed: ${at.path}/${what} is not a ${words[type]}`);
    expect(readdirSync(at.path).toSorted()).toEqual(["directory", "file"]);
  });

  test("prepareHostPath() accepts what is there, through links, and leaves it", () => {
    using at = scratch();
    using listener = Bun.listen({ unix: `${at.path}/socket`, socket: { data() {} } });
    writeFileSync(`${at.path}/file`, "kept", { mode: 0o600 });
    symlinkSync("file", `${at.path}/link`);
    for (const type of ["", "File", "FileOrCreate"] as const) prepareHostPath(`${at.path}/link`, type);
    for (const type of ["", "Directory", "DirectoryOrCreate"] as const) prepareHostPath(at.path, type);
    prepareHostPath(`${at.path}/socket`, "Socket");
    prepareHostPath("/dev/null", "CharDevice");
    expect([readFileSync(`${at.path}/file`, "utf8"), mode(`${at.path}/file`), listener.unix]).toEqual(["kept", 0o600, `${at.path}/socket`]);
  });

  test("prepareHostPath() makes what is missing", () => {
    using at = scratch();
    prepareHostPath(`${at.path}/a/b`, "DirectoryOrCreate");
    prepareHostPath(`${at.path}/c/d`, "");
    prepareHostPath(`${at.path}/a/f`, "FileOrCreate");
    expect([mode(`${at.path}/a/b`), mode(`${at.path}/c/d`), mode(`${at.path}/a/f`), statSync(`${at.path}/a/f`).isFile()]).toEqual([0o755, 0o755, 0o644, true]);
    expect(() => prepareHostPath(`${at.path}/none/f`, "FileOrCreate")).toThrow("Cannot make host path");
    expect(() => prepareHostPath(`${at.path}/../x`, "")).toThrow("must not contain '..'");
  });
});

describe.skipIf(!root)("subPath (needs root)", () => {
  /** The path of what was found, told by a file made in it or by its content. */
  const isSame = (source: string, path: string): boolean => statSync(source).ino === statSync(path).ino && statSync(source).dev === statSync(path).dev;

  test("openSubPath() finds files and directories, also through links inside the volume", () => {
    using at = scratch();
    const volume = `${at.path}/v`;
    mkdirSync(`${volume}/a/b`, { recursive: true });
    writeVolumeFiles(`${volume}/a/b`, [file("key", "value")]);
    symlinkSync("a/b", `${volume}/in`);
    symlinkSync("../a/./b", `${volume}/a/up`);
    for (const [subPath, path] of [["a/b", "a/b"], ["in/key", "a/b/key"], ["a/up/", "a/b"], ["./a//b", "a/b"], ["", ""]] as const) {
      using found = openSubPath(volume, subPath, { at: `${at.path}/points/0` });
      expect(isSame(found.source, `${volume}/${path}`)).toBe(true);
    }
    expect([readdirSync(`${at.path}/points`), mountsBelow(at.path), readdirSync(volume).toSorted()]).toEqual([[], [], ["a", "in"]]);
  });

  test("openSubPath() makes missing directories with the volume's mode", () => {
    using at = scratch();
    mkdirSync(`${at.path}/v`);
    chmodSync(`${at.path}/v`, 0o2777);
    using found = openSubPath(`${at.path}/v`, "x/y/z", { at: `${at.path}/point` });
    expect(isSame(found.source, `${at.path}/v/x/y/z`)).toBe(true);
    expect(["x", "x/y", "x/y/z"].map((path) => mode(`${at.path}/v/${path}`))).toEqual([0o2777, 0o2777, 0o2777]);
  });

  test.each([
    ["an absolute link", "/etc"], ["a link with ..", "../outside"], ["a link to a missing name outside", "/nonexistent/x"], ["a link to itself", "evil"],
    ["a link to a process's root", "/proc/self/root"],
  ])("openSubPath() refuses %s, as the last and as a middle component", (_, target) => {
    using outer = scratch();
    mkdirSync(`${outer.path}/outside`);
    mkdirSync(`${outer.path}/volume`);
    symlinkSync(target, `${outer.path}/volume/evil`);
    expect(() => openSubPath(`${outer.path}/volume`, "evil", { at: `${outer.path}/point` })).toThrow("Cannot use subPath");
    expect(() => openSubPath(`${outer.path}/volume`, "evil/made", { at: `${outer.path}/point` })).toThrow("Cannot use subPath");
    expect([readdirSync(`${outer.path}/outside`), readdirSync(`${outer.path}/volume`), readdirSync(outer.path).toSorted()]).toEqual([[], ["evil"], ["outside", "volume"]]);
  });

  test.each(["../x", "a/../../x", "/etc"])("openSubPath() refuses the path %s", (path) => {
    using at = scratch();
    expect(() => openSubPath(at.path, path, { at: `${at.path}/point` })).toThrow("it must be a relative path without '..'");
  });

  test("openSubPath() leaks no descriptor", () => {
    using at = scratch();
    mkdirSync(`${at.path}/v`);
    symlinkSync("/etc", `${at.path}/v/evil`);
    const options = { at: `${at.path}/point` };
    const before = readdirSync("/proc/self/fd").length;
    for (let count = 0; count < 20; count += 1) {
      openSubPath(`${at.path}/v`, "a/b/c", options)[Symbol.dispose]();
      expect(() => openSubPath(`${at.path}/v`, "evil/x", options)).toThrow();
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  test("openSubPath() gives the OCI runtime what was found, also after it was replaced by a link", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/volume/data`, { recursive: true });
    mkdirSync(`${at.path}/target`);
    using found = openSubPath(`${at.path}/volume`, "data", { at: `${at.path}/point` });
    renameSync(`${at.path}/volume/data`, `${at.path}/volume/moved`);
    symlinkSync("/etc", `${at.path}/volume/data`);
    const script = 'mount --rbind "$1" "$2" && touch "$2/proof"'; // in a mount namespace of its own, as the runtime does it
    await exec(["unshare", "-m", "sh", "-c", script, "sh", found.source, `${at.path}/target`]);
    expect(existsSync(`${at.path}/volume/moved/proof`)).toBe(true);
  });

  test("openSubPath() and removePodVolumes() clear what a crash left at the place, never the volume", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/v/data`, { recursive: true });
    writeFileSync(`${at.path}/v/data/precious`, "");
    const point = `${at.path}/pod/subpaths/0`;
    openSubPath(`${at.path}/v`, "data", { at: point }); // not disposed of
    openSubPath(`${at.path}/v`, "data/precious", { at: point });
    openSubPath(`${at.path}/v`, "data", { at: point });
    await removePodVolumes(`${at.path}/pod`);
    expect([readdirSync(at.path), readdirSync(`${at.path}/v/data`), mountsBelow(at.path)]).toEqual([["v"], ["precious"], []]);
  });
});

describe.skipIf(!root)("volumes (needs root)", () => {
  test("makeEmptyDir() is open to all, and keeps what is in it", () => {
    using at = scratch();
    makeEmptyDir(`${at.path}/pod/e`);
    writeFileSync(`${at.path}/pod/e/f`, "");
    makeEmptyDir(`${at.path}/pod/e`);
    expect([mode(`${at.path}/pod/e`), readdirSync(`${at.path}/pod/e`)]).toEqual([0o777, ["f"]]);
  });

  test("makeMemoryVolume() is a tmpfs of the size given, mounted once", () => {
    using at = scratch();
    makeMemoryVolume(`${at.path}/m`, { size: 1024 * 1024 });
    makeMemoryVolume(`${at.path}/m`, { size: 1024 * 1024 });
    const { type, blocks, bsize } = statfsSync(`${at.path}/m`);
    expect([type, blocks * bsize, mode(`${at.path}/m`), mountsBelow(at.path).length]).toEqual([TMPFS, 1024 * 1024, 0o1777, 1]);
  });

  test("makeConfigVolume() and makeSecretVolume() write and update; secrets are on a tmpfs", () => {
    using at = scratch();
    expect([makeConfigVolume(`${at.path}/c`, [file("a", "1")]), makeConfigVolume(`${at.path}/c`, [file("a", "1")]), makeConfigVolume(`${at.path}/c`, [file("a", "2")])]).toEqual([true, false, true]);
    expect([makeSecretVolume(`${at.path}/s`, [file("a", "1")]), makeSecretVolume(`${at.path}/s`, [file("a", "1")])]).toEqual([true, false]);
    expect([mode(`${at.path}/c`), statfsSync(`${at.path}/s`).type, statfsSync(`${at.path}/c`).type === TMPFS, readFileSync(`${at.path}/s/a`, "utf8")]).toEqual([0o777, TMPFS, false, "1"]);
  });

  test("removePodVolumes() unmounts, never enters what was mounted, and removes", async () => {
    using at = scratch();
    const pod = `${at.path}/pod`;
    mkdirSync(`${at.path}/host/data`, { recursive: true });
    writeFileSync(`${at.path}/host/data/precious`, "");
    makeEmptyDir(`${pod}/empty`);
    symlinkSync(`${at.path}/host`, `${pod}/empty/link`);
    makeMemoryVolume(`${pod}/memory`);
    mkdirSync(`${pod}/memory/bind space`);
    mount(`${at.path}/host`, `${pod}/memory/bind space`, "", MS_BIND);
    mkdirSync(`${pod}/bind`);
    mount(`${at.path}/host`, `${pod}/bind`, "", MS_BIND);
    mount(`${at.path}/host`, `${pod}/bind`, "", MS_BIND);
    await removePodVolumes(pod);
    await removePodVolumes(pod);
    expect([readdirSync(at.path), mountsBelow(at.path), existsSync(`${at.path}/host/data/precious`)]).toEqual([["host"], [], true]);
  });

  test("removePodVolumes() finishes a removal that a crash interrupted", async () => {
    using at = scratch();
    mkdirSync(`${at.path}/.gone-pod/rest`, { recursive: true });
    await removePodVolumes(`${at.path}/pod`);
    expect(readdirSync(at.path)).toEqual([]);
    expect([unmount(at.path), lstatSync(at.path).isDirectory()]).toEqual([false, true]);
  });
});

test.skipIf(!root)("mountImage() of an image without layers is an empty read-only directory", () => {
  using at = scratch();
  mountImage({ layers: [], target: `${at.path}/image` });
  expect(mountsBelow(at.path)).toEqual([`${at.path}/image`]);
  expect(readdirSync(`${at.path}/image`)).toEqual([]);
  expect(() => writeFileSync(`${at.path}/image/f`, "")).toThrow("EROFS");
});
