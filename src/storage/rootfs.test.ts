import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { exec } from "../base/exec.ts";
import { CHECKOUT, scratch } from "./fixtures.ts";
import { identityOf, lookupIdentity } from "./identity.ts";
import { mountPoints, mountsBelow } from "./mounts.ts";
import { mountRootfs, overlayOptions, unmountRootfs } from "./rootfs.ts";

const root = process.getuid?.() === 0;

/** `count` layers of one file each, and one file that all of them have. */
function layers(directory: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const layer = `${directory}/l/${index}`;
    mkdirSync(layer, { recursive: true });
    writeFileSync(`${layer}/f${index}`, "");
    writeFileSync(`${layer}/top`, String(index));
    return layer;
  });
}

const below = (directory: string) => ({ upper: `${directory}/c/upper`, work: `${directory}/c/work`, target: `${directory}/c/root` });

describe("rootfs", () => {
  test("overlayOptions() names the highest layer first, and escapes", () => {
    expect(overlayOptions({ layers: ["/a:1", "/b,2", "/c\\3"], upper: "/u:,", work: "/w", target: "/t" })).toBe(
      "lowerdir=/c\\\\3:/b\\,2:/a\\:1,upperdir=/u:\\,,workdir=/w,volatile,index=off,metacopy=off,redirect_dir=nofollow",
    );
  });

  test("mountPoints() reads a mountinfo file", () => {
    expect(mountPoints("25 1 8:1 / / rw shared:1 - ext4 /dev/a rw\n26 25 0:5 / /a\\040b\\134c rw - tmpfs t rw\n")).toEqual(["/", "/a b\\c"]);
  });

  test.skipIf(!root)("mountRootfs() mounts once, shows the highest layer, and takes owner and mode of its root", () => {
    using at = scratch();
    const lower = layers(at.path, 3);
    chmodSync(lower[2] ?? "", 0o751);
    const rootfs = { layers: lower, ...below(at.path) };
    mountRootfs(rootfs);
    mountRootfs(rootfs);
    expect(mountsBelow(at.path)).toEqual([rootfs.target]);
    expect([readdirSync(rootfs.target).toSorted(), readFileSync(`${rootfs.target}/top`, "utf8")]).toEqual([["f0", "f1", "f2", "top"], "2"]);
    expect(statSync(rootfs.target).mode & 0o7777).toBe(0o751);
    writeFileSync(`${rootfs.target}/new`, "x");
    rmSync(`${rootfs.target}/f0`);
    unmountRootfs(rootfs.target);
    unmountRootfs(rootfs.target);
    unmountRootfs(`${at.path}/nothing`);
    expect([mountsBelow(at.path), existsSync(`${lower[0]}/f0`), existsSync(`${lower[2]}/new`)]).toEqual([[], true, false]);
    mountRootfs(rootfs); // as after a crash: upper and work are there already
    expect(readdirSync(rootfs.target).toSorted()).toEqual(["f1", "f2", "new", "top"]);
  });

  test.skipIf(!root)("mountRootfs() takes no layers, 127 layers by short names, and names with ':' and ','", () => {
    using at = scratch();
    const none = { layers: [], ...below(`${at.path}/none`) };
    mountRootfs(none);
    writeFileSync(`${none.target}/f`, "");
    const many = { layers: layers(at.path, 127), ...below(at.path) };
    mountRootfs(many);
    expect([readdirSync(many.target).length, readFileSync(`${many.target}/top`, "utf8")]).toEqual([128, "126"]);
    const odd = { layers: layers(`${at.path}/a:b,c`, 2), ...below(`${at.path}/a:b,c`) };
    mountRootfs(odd);
    expect(readdirSync(odd.target).length).toBe(3);
  });

  test.skipIf(!root)("mountRootfs() takes 127 and 500 layers in a directory with a long name, and no more", () => {
    using at = scratch();
    const long = `${at.path}/${`${"d".repeat(250)}/`.repeat(5)}`;
    const lower = layers(long, 501).map((layer, index) => {
      const link = `${long}l/${index.toString(16).padStart(6, "0")}`; // as layerDirectory() makes them
      symlinkSync(layer, link);
      return link;
    });
    for (const count of [127, 500]) {
      const rootfs = { layers: lower.slice(0, count), ...below(`${long}${count}`) };
      mountRootfs(rootfs);
      expect([readdirSync(rootfs.target).length, readFileSync(`${rootfs.target}/top`, "utf8")]).toEqual([count + 1, String(count - 1)]);
      writeFileSync(`${rootfs.target}/new`, "x");
      expect(readFileSync(`${rootfs.upper}/new`, "utf8")).toBe("x");
      unmountRootfs(rootfs.target);
    }
    expect(() => mountRootfs({ layers: lower, ...below(`${long}more`) })).toThrow("its image has 501 layers, at most 500 can be mounted");
  });

  test.skipIf(!root)("mountRootfs() says so when the names of the layers do not fit", () => {
    using at = scratch();
    const lower = layers(at.path, 40).map((layer, index) => {
      const link = `${at.path}/${index}${"l".repeat(110)}`;
      symlinkSync(layer, link);
      return link;
    });
    expect(() => mountRootfs({ layers: lower, ...below(at.path) })).toThrow(/the names of its 40 layers take \d+ bytes, at most 4095 fit/);
  });

  test.skipIf(!root)("mountRootfs() leaves the working directory as it is, also one that has been removed", async () => {
    using at = scratch();
    layers(at.path, 2);
    const script = `
      import { mkdirSync, readlinkSync, rmdirSync } from "node:fs";
      import { mountRootfs } from "${CHECKOUT}/src/storage/rootfs.ts";
      mkdirSync("${at.path}/cwd");
      process.chdir("${at.path}/cwd");
      rmdirSync("${at.path}/cwd");
      const rootfs = { layers: ["${at.path}/l/0", "${at.path}/l/1"], upper: "${at.path}/u", work: "${at.path}/w", target: "${at.path}/t" };
      mountRootfs(rootfs);
      try { mountRootfs({ ...rootfs, layers: ["${at.path}/l/none"], target: "${at.path}/t2" }); } catch {}
      console.log(readlinkSync("/proc/self/cwd"));
    `;
    writeFileSync(`${at.path}/mount.ts`, script);
    expect((await exec([process.execPath, `${at.path}/mount.ts`])).stdout.trim()).toBe(`${at.path}/cwd (deleted)`);
    expect(readFileSync(`${at.path}/t/top`, "utf8")).toBe("1");
  });
});

const FILES = {
  passwd: "# comment\nroot:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34:web:/srv/web:/bin/sh\n1000:x:5:6::/named:/bin/sh\nbare:x:7:8\nhuge:x:99999999999:1::/:\n",
  group: "root:x:0:\nwww:x:34:other\nlog:x:4:web,other\nadm:x:9:other,web\n77:x:78:\n",
};

describe("identity", () => {
  test.each([
    ["", { uid: 0, gid: 0, additionalGids: [], home: "/root" }],
    ["root", { uid: 0, gid: 0, additionalGids: [], home: "/root" }],
    ["web", { uid: 33, gid: 34, additionalGids: [4, 9], home: "/srv/web" }],
    ["33", { uid: 33, gid: 34, additionalGids: [4, 9], home: "/srv/web" }],
    ["1234", { uid: 1234, gid: 0, additionalGids: [], home: "/" }],
    ["1000", { uid: 5, gid: 6, additionalGids: [], home: "/named" }],
    ["web:log", { uid: 33, gid: 4, additionalGids: [], home: "/srv/web" }],
    ["web:500", { uid: 33, gid: 500, additionalGids: [], home: "/srv/web" }],
    ["5000:6000", { uid: 5000, gid: 6000, additionalGids: [], home: "/" }],
    ["1:77", { uid: 1, gid: 78, additionalGids: [], home: "/" }],
    ["bare", { uid: 7, gid: 8, additionalGids: [], home: "/" }],
    [":log", { uid: 0, gid: 4, additionalGids: [], home: "/root" }],
  ])("identityOf() of %j", (user, identity) => {
    expect(identityOf(user, FILES)).toEqual(identity);
  });

  test("identityOf() without files knows numbers and root", () => {
    expect(identityOf("", { passwd: "", group: "" })).toEqual({ uid: 0, gid: 0, additionalGids: [], home: "/" });
    expect(identityOf("5:6", { passwd: "", group: "" })).toEqual({ uid: 5, gid: 6, additionalGids: [], home: "/" });
  });

  test.each([["nobody", 'the image has no user "nobody"'], ["web:none", 'the image has no group "none"'], ["huge", 'no user "huge"'], ["-1", 'no user "-1"'], ["4294967296", "no user"]])(
    "identityOf() refuses %s", (user, message) => {
      expect(() => identityOf(user, FILES)).toThrow(message);
    });

  test("lookupIdentity() resolves links inside the root filesystem, and reads regular files only", () => {
    using at = scratch();
    mkdirSync(`${at.path}/root/etc`, { recursive: true });
    mkdirSync(`${at.path}/root/usr`);
    writeFileSync(`${at.path}/root/usr/passwd`, "in:x:1:2::/in:\n");
    writeFileSync(`${at.path}/passwd`, "out:x:1:2::/out:\n");
    symlinkSync("/usr/passwd", `${at.path}/root/etc/passwd`);
    expect(lookupIdentity(`${at.path}/root`, "in").home).toBe("/in");
    rmSync(`${at.path}/root/etc/passwd`);
    symlinkSync("../../passwd", `${at.path}/root/etc/passwd`);
    expect(() => lookupIdentity(`${at.path}/root`, "out")).toThrow('no user "out"');
    rmSync(`${at.path}/root/etc/passwd`);
    mkdirSync(`${at.path}/root/etc/passwd`);
    expect(() => lookupIdentity(`${at.path}/root`, "")).toThrow("it must be a file");
  });
});
