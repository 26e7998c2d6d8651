import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { CLEAN_ENV } from "../base/exec.ts";
import { CHECKOUT, type Member, scratch, writeTar } from "./fixtures.ts";
import { mountRootfs } from "./rootfs.ts";
import { inUserNamespace } from "./userNamespace.ts";

setDefaultTimeout(60_000);

const root = process.getuid?.() === 0;

/** Runs a program as root of a new user namespace with 65,537 ids, and a mount namespace of its own. */
async function inNamespace(argv: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number }> {
  const child = Bun.spawn(["unshare", "--user", "--mount", "sh", "-c", 'echo; read go; exec "$@"', "sh", ...argv], { stdin: "pipe", stdout: "pipe", stderr: "pipe", timeout: 50_000 });
  const stderr = new Response(child.stderr).text();
  let stdout = "";
  for await (const chunk of child.stdout) {
    if (stdout === "") await enter(child); // its first line: it is in its namespace now
    stdout += Buffer.from(chunk).toString();
  }
  return { stdout, stderr: await stderr, status: await child.exited };
}

async function enter(child: { readonly pid: number; readonly stdin: Bun.FileSink }): Promise<void> {
  for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${child.pid}/${map}`, "0 0 1\n1 100000 65536");
  child.stdin.write("\n");
  await child.stdin.end();
}

/** What all scripts begin with. */
const PRELUDE = `
  import { execFileSync } from "node:child_process";
  import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
  import { checkLayer } from "${CHECKOUT}/src/storage/check.ts";
  import { fakeCatalog } from "${CHECKOUT}/src/storage/fake.ts";
  import { ensureLayer } from "${CHECKOUT}/src/storage/layers.ts";
  import { writeLayerArchive } from "${CHECKOUT}/src/storage/layerArchive.ts";
  import { mountImage } from "${CHECKOUT}/src/storage/imageVolume.ts";
  import { layerDirectory } from "${CHECKOUT}/src/storage/layout.ts";
  import { usersOfLayer } from "${CHECKOUT}/src/storage/layerUse.ts";
  import { fuseEnd } from "${CHECKOUT}/src/storage/fuseOverlay.ts";
  import { mountRootfs, unmountRootfs } from "${CHECKOUT}/src/storage/rootfs.ts";
  import { attributesOf } from "${CHECKOUT}/src/storage/syscalls.ts";
  const [, , at = "", ...archives] = process.argv;
  const disk = existsSync(at + "/overlaid") ? at + "/overlaid" : at;
  const store = { directory: disk + "/store", catalog: fakeCatalog() };
  const told = [];
  const fuse = { launcher: () => [] };
  const fuses = () => readFileSync("/proc/self/mountinfo", "utf8").split("fuse.fuse-overlayfs").length - 1;
  /** The processes behind overlays below a directory. */
  const behind = () => readdirSync("/proc").filter((pid) => Number(pid) > 0 && readLine("/proc/" + pid + "/cmdline").includes("fuse-overlayfs") && readLine("/proc/" + pid + "/cmdline").includes(at));
  const readLine = (path) => { try { return readFileSync(path, "utf8"); } catch { return ""; } };
  const names = (path) => attributesOf(Buffer.from(path)).map(([name]) => name);
`;

/** Runs a script with the layers of these members; returns what it prints as JSON. */
async function run(at: string, script: string, layers: readonly (readonly Member[])[]): Promise<unknown> {
  const archives = layers.map((members, index) => writeTar(`${at}/${index}.tar`, members).archive);
  writeFileSync(`${at}/script.ts`, `${PRELUDE}${script}`);
  const { stdout, stderr, status } = await inNamespace([process.execPath, `${at}/script.ts`, at, ...archives]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const LOWER: readonly Member[] = [
  ...["a/gone", "a/stays", "b/hidden", "c/old"].map((name) => ({ name, content: "lower" })),
  { name: "su", content: "x", mode: 0o4755, uid: 7, gid: 9 },
  { name: "ping", content: "x", pax: { "SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" } },
];
const MIDDLE: readonly Member[] = [{ name: "a/.wh.gone" }, { name: "b/.wh..wh..opq" }, { name: "b/new", content: "middle" }, { name: ".wh.c" }];
const UPPER: readonly Member[] = [{ name: "c/new", content: "upper" }, { name: "a/added", content: "upper" }];

describe("userNamespace", () => {
  test("inUserNamespace() is false where ids are not mapped", () => {
    expect(inUserNamespace()).toBe(false);
  });
});

/** The script's `disk` is an overlay of root's, on which the kernel mounts no other one. */
const overlaid = (at: string): void => mountRootfs({ layers: [], upper: `${at}/below/u`, work: `${at}/below/w`, target: `${at}/overlaid` });

describe.skipIf(!root)("in a user namespace (needs root)", () => {
  test("three layers are unpacked, mounted and checked; whiteouts and opaque directories hide, setuid bits stay", async () => {
    using at = scratch();
    const seen = await run(at.path, `
      const layers = [];
      for (const archive of archives) layers.push(await ensureLayer(store, { archive }));
      const target = at + "/root";
      const directories = layers.map(({ diffId }) => layerDirectory(store.directory, diffId));
      mountRootfs({ layers: directories, upper: at + "/u", work: at + "/w", target });
      const files = execFileSync("find", [target, "-type", "f", "-printf", "%P "]).toString().trim().split(" ").sort();
      const su = statSync(target + "/su");
      execFileSync("rm", ["-r", target + "/b"]);
      execFileSync("mkdir", [target + "/b"]);
      const made = [existsSync(target + "/b/new"), names(at + "/u/b")];
      unmountRootfs(target);
      const findings = [];
      for (const { diffId } of layers) findings.push(...await checkLayer(store, diffId, { contents: true }));
      for (const { diffId } of layers) await writeLayerArchive(store, diffId, at + "/" + diffId);
      console.log(JSON.stringify({ files, su: [su.mode & 0o7777, su.uid, su.gid], ping: names(directories[0] + "/ping"), opaque: names(directories[1] + "/b"), made, findings }));
    `, [LOWER, MIDDLE, UPPER]);
    expect(seen).toEqual({
      files: ["a/added", "a/stays", "b/new", "c/new", "ping", "su"], su: [0o4755, 7, 9], ping: ["security.capability"],
      opaque: ["user.overlay.opaque"], made: [false, ["user.overlay.opaque"]], findings: [],
    });
  });

  test("mountImage() hides what an opaque directory hides", async () => {
    using at = scratch();
    const seen = await run(at.path, `
      const layers = [];
      for (const archive of archives) layers.push(layerDirectory(store.directory, (await ensureLayer(store, { archive })).diffId));
      mountImage({ layers, target: at + "/image" });
      console.log(JSON.stringify([existsSync(at + "/image/b/hidden"), existsSync(at + "/image/b/new"), existsSync(at + "/image/a/gone")]));
    `, [LOWER, MIDDLE]);
    expect(seen).toEqual([false, true, false]);
  });

  test("ensureLayer() lets whiteouts be files where the filesystem takes none, and marks the layer", async () => {
    using at = scratch();
    overlaid(at.path);
    const seen = await run(at.path, `
      const { diffId } = await ensureLayer(store, { archive: archives[0] });
      const tree = layerDirectory(store.directory, diffId);
      await writeLayerArchive(store, diffId, at + "/again");
      console.log(JSON.stringify([statSync(tree + "/a/.wh.gone").size, existsSync(tree + "/a/gone"), names(tree + "/b"), existsSync(tree + "/../whiteouts"), await checkLayer(store, diffId, { contents: true })]));
    `, [MIDDLE]);
    expect(seen).toEqual([0, false, ["user.overlay.opaque"], true, []]);
  });

  test("ensureLayer() leaves device nodes out, and says so once", async () => {
    using at = scratch();
    const members: readonly Member[] = [{ name: "dev/null", type: "char", device: [1, 3] }, { name: "dev/odd\n\x1b[1m", type: "char", device: [1, 5] }, { name: "f", content: "x" }];
    const seen = await run(at.path, `
      const { diffId } = await ensureLayer(store, { archive: archives[0] }, { progress: (each) => told.push(each) });
      await writeLayerArchive(store, diffId, at + "/again");
      const tree = layerDirectory(store.directory, diffId);
      console.log(JSON.stringify([told.filter((each) => each.step === "devices").map((each) => each.leftOut), existsSync(tree + "/dev/null"), existsSync(tree + "/f"), await checkLayer(store, diffId)]));
    `, [members]);
    expect(seen).toEqual([[2], false, true, []]);
  });

  test("ensureLayer() takes overlay attributes of an archive away", async () => {
    using at = scratch();
    const members: readonly Member[] = [
      { name: "d/", type: "directory", pax: { "SCHILY.xattr.user.overlay.opaque": "y", "SCHILY.xattr.user.overlay.redirect": "/e", "SCHILY.xattr.user.fuseoverlayfs.opaque": "y", "SCHILY.xattr.user.containers.override_stat": "0:0:0777", "SCHILY.xattr.user.note": "hi" } },
      { name: "f", content: "x", pax: { "SCHILY.xattr.user.overlay.metacopy": "" } },
    ];
    const seen = await run(at.path, `
      const { diffId } = await ensureLayer(store, { archive: archives[0] });
      const tree = layerDirectory(store.directory, diffId);
      console.log(JSON.stringify([names(tree + "/d"), names(tree + "/f"), await checkLayer(store, diffId)]));
    `, [members]);
    expect(seen).toEqual([["user.note"], [], []]);
  });

  test.each([
    ["an owner that is not mapped", [{ name: "f", content: "x", uid: 100_000 }]],
    ["a device that something stands in the way of", [{ name: "d/x", content: "x" }, { name: "d", type: "char", device: [1, 3] }]],
    ["a name like a message", [{ name: "x: Can't create 'x': Operation not permitted", content: "x", uid: 100_000 }, { name: "n", type: "char", device: [1, 3] }]],
  ] as const)("ensureLayer() refuses %s", async (_, members) => {
    using at = scratch();
    const seen = await run(at.path, `
      console.log(JSON.stringify(await ensureLayer(store, { archive: archives[0] }).then(() => "taken", (thrown) => thrown.kind)));
    `, [members]);
    expect(seen).toBe("invalid");
  });
});

const fuse = root && existsSync("/dev/fuse") && Bun.which("fuse-overlayfs", { PATH: CLEAN_ENV["PATH"] ?? "" }) !== null;

describe.skipIf(!fuse)("in a user namespace, on an overlay (needs root and fuse-overlayfs)", () => {
  /** Unpacks all layers, and has a root filesystem of them to be mounted. */
  const LAYERS = `
    const layers = [];
    for (const archive of archives) layers.push(await ensureLayer(store, { archive }));
    const target = at + "/root";
    const rootfs = { layers: layers.map(({ diffId }) => layerDirectory(store.directory, diffId)), upper: disk + "/u", work: disk + "/w", target, fuse };
    const files = (directory) => execFileSync("find", [directory, "-type", "f", "-printf", "%P "]).toString().trim().split(" ").sort();
  `;

  test("fuse-overlayfs mounts a root filesystem: layers hide, what is written and deleted stays so, unmounting ends it", async () => {
    using at = scratch();
    overlaid(at.path);
    const seen = await run(at.path, `${LAYERS}
      mountRootfs(rootfs);
      mountRootfs(rootfs);
      const found = files(target);
      const su = statSync(target + "/su");
      writeFileSync(target + "/a/stays", "changed");
      execFileSync("rm", ["-r", target + "/b", target + "/c/new"]);
      execFileSync("mkdir", [target + "/b"]);
      const after = [...files(target), readFileSync(target + "/a/stays", "utf8"), readFileSync(rootfs.layers[0] + "/a/stays", "utf8")];
      const used = layers.map(({ diffId }) => usersOfLayer(store.directory, diffId));
      const count = [fuses(), behind().length];
      unmountRootfs(target);
      const ended = await fuseEnd(target, AbortSignal.timeout(5000));
      console.log(JSON.stringify({ found, su: [su.mode & 0o7777, su.uid, su.gid], after, used, count, ended, left: [fuses(), usersOfLayer(store.directory, layers[0].diffId)] }));
    `, [LOWER, MIDDLE, UPPER]);
    const target = `${at.path}/root`;
    expect(seen).toEqual({
      found: ["a/added", "a/stays", "b/new", "c/new", "ping", "su"], su: [0o4755, 7, 9],
      after: ["a/added", "a/stays", "ping", "su", "changed", "lower"], used: [[target], [target], [target]], count: [1, 1], ended: true, left: [0, []],
    });
  });

  test("one whose process was killed is told by its fifo, can be unmounted, and is mounted anew", async () => {
    using at = scratch();
    overlaid(at.path);
    const seen = await run(at.path, `${LAYERS}
      mountRootfs(rootfs);
      const early = await fuseEnd(target, AbortSignal.timeout(100));
      process.kill(Number(behind()[0]), "SIGKILL");
      const ended = await fuseEnd(target, AbortSignal.timeout(5000));
      let code = "";
      try { readFileSync(target + "/su"); } catch (thrown) { code = thrown.code; }
      mountRootfs(rootfs);
      const again = [readFileSync(target + "/su", "utf8"), fuses()];
      process.kill(Number(behind()[0]), "SIGKILL");
      await fuseEnd(target, AbortSignal.timeout(5000));
      unmountRootfs(target);
      console.log(JSON.stringify({ early, ended, code, again, left: fuses() }));
    `, [LOWER]);
    expect(seen).toEqual({ early: false, ended: true, code: "ENOTCONN", again: ["x", 1], left: 0 });
  });

  test("mountRootfs() killed at many points leaves nothing that the next one, or unmounting, does not find", async () => {
    using at = scratch();
    overlaid(at.path);
    const seen = await run(at.path, `${LAYERS}
      writeFileSync(at + "/once.ts", 'import { mountRootfs } from "${CHECKOUT}/src/storage/rootfs.ts"; mountRootfs({ ...JSON.parse(process.argv[2]), fuse: { launcher: () => [] } });');
      const counts = [];
      for (let after = 0; after < 16; after += 1) {
        const child = Bun.spawn([process.execPath, at + "/once.ts", JSON.stringify(rootfs)], { stdio: ["ignore", "ignore", "ignore"] });
        while (!existsSync(target + ".life")) await Bun.sleep(1);
        await Bun.sleep(after);
        child.kill("SIGKILL");
        await child.exited;
        const recovering = after % 2 === 0;
        if (recovering) mountRootfs(rootfs);
        const here = [fuses(), recovering ? readFileSync(target + "/su", "utf8") : ""];
        unmountRootfs(target);
        await fuseEnd(target, AbortSignal.timeout(5000));
        counts.push(here[0] <= 1 && (!recovering || (here[0] === 1 && here[1] === "x")) && fuses() === 0 && !(await Bun.sleep(5)) && behind().length === 0);
        execFileSync("rm", [target + ".life"]);
      }
      console.log(JSON.stringify(counts));
    `, [LOWER]);
    expect(seen).toEqual(Array.from({ length: 16 }, () => true));
  }, 60_000);

  test("an image volume is read-only, and hides what its layers hide", async () => {
    using at = scratch();
    overlaid(at.path);
    const seen = await run(at.path, `${LAYERS}
      mountImage({ layers: rootfs.layers, target, fuse });
      let code = "";
      try { writeFileSync(target + "/a/stays", ""); } catch (thrown) { code = thrown.code; }
      const found = [files(target), code];
      unmountRootfs(target);
      console.log(JSON.stringify(found));
    `, [LOWER, MIDDLE]);
    expect(seen).toEqual([["a/stays", "b/new", "ping", "su"], "EROFS"]);
  });

  test("where the kernel mounts overlays, it does, but for layers that hide by files", async () => {
    using at = scratch();
    const seen = await run(at.path, `${LAYERS}
      mountRootfs(rootfs);
      const native = fuses();
      unmountRootfs(target);
      writeFileSync(rootfs.layers[0] + "/../whiteouts", "");
      mountRootfs(rootfs);
      const marked = fuses();
      unmountRootfs(target);
      console.log(JSON.stringify([native, marked]));
    `, [LOWER]);
    expect(seen).toEqual([0, 1]);
  });
});
