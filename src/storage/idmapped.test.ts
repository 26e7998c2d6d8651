import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mount, unmount } from "../base/libc.ts";
import { withFileIds } from "../base/fileIds.ts";
import { scratch } from "./fixtures.ts";
import { openIdmapped } from "./idmapped.ts";
import { mountImage } from "./imageVolume.ts";
import { forbiddenAt, mountsBelow, overlaysIn } from "./mounts.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";

test("forbiddenAt() says what the topmost mount at a place forbids", () => {
  const text = "25 1 8:1 / /a rw,nosuid - ext4 /dev/a rw\n26 25 0:5 / /a ro,nodev,noexec,relatime - tmpfs t rw\n27 25 0:5 / /b rw - tmpfs t rw\n";
  expect([forbiddenAt(text, "/a"), forbiddenAt(text, "/b"), forbiddenAt(text, "/c")]).toEqual([["nodev", "noexec"], [], []]);
});

const FIRST = 0x70000000;

describe.skipIf(process.getuid?.() !== 0)("openIdmapped (needs root)", () => {
  let users = "";
  let holder: Bun.Subprocess<"pipe", "pipe"> | undefined;
  beforeAll(async () => {
    holder = Bun.spawn(["unshare", "--user", "--", "cat"], { stdin: "pipe", stdout: "pipe" });
    holder.stdin.write("\n");
    await holder.stdin.flush();
    await holder.stdout.getReader().read();
    for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${holder.pid}/${map}`, `0 ${FIRST} 65536`);
    users = `/proc/${holder.pid}/ns/user`;
  });
  afterAll(async () => {
    holder?.kill();
    await holder?.exited;
  });
  const ids = (path: string): readonly number[] => [statSync(path).uid, statSync(path).gid];

  test("openIdmapped() shows a directory with the ids of the namespace, until it is let go", () => {
    using at = scratch();
    mkdirSync(`${at.path}/source`);
    writeFileSync(`${at.path}/source/file`, "x");
    chownSync(`${at.path}/source/file`, 5, 6);
    {
      using mapped = openIdmapped(`${at.path}/source`, { at: `${at.path}/mapped/a`, users, recursive: false });
      expect(ids(`${mapped.source}/file`)).toEqual([FIRST + 5, FIRST + 6]);
      chownSync(`${mapped.source}/file`, FIRST + 7, FIRST);
      expect(() => writeFileSync(`${mapped.source}/ours`, "")).toThrow("EOVERFLOW");
      withFileIds({ uid: FIRST, gid: FIRST + 1 }, () => writeFileSync(`${mapped.source}/theirs`, ""));
      using file = openIdmapped(`${at.path}/source/file`, { at: `${at.path}/mapped/b`, users, recursive: false });
      expect([readFileSync(file.source, "utf8"), ids(file.source)]).toEqual(["x", [FIRST + 7, FIRST]]);
    }
    expect([ids(`${at.path}/source/file`), ids(`${at.path}/source/theirs`)]).toEqual([[7, 0], [0, 1]]);
    expect([readdirSync(`${at.path}/mapped`), mountsBelow(at.path)]).toEqual([[], []]);
  });

  test("openIdmapped() takes mounts below along as they are, and never takes them from the source", () => {
    using at = scratch();
    mkdirSync(`${at.path}/source/below`, { recursive: true });
    mount("tmpfs", `${at.path}/source/below`, "tmpfs", 2n);
    try {
      writeFileSync(`${at.path}/source/below/file`, "");
      openIdmapped(`${at.path}/source`, { at: `${at.path}/mapped/a`, users, recursive: true })[Symbol.dispose]();
      expect(existsSync(`${at.path}/source/below/file`)).toBe(true);
      using mapped = openIdmapped(`${at.path}/source`, { at: `${at.path}/mapped/a`, users, recursive: true });
      expect([ids(mapped.source), ids(`${mapped.source}/below/file`)]).toEqual([[FIRST, FIRST], [0, 0]]);
      using below = openIdmapped(`${at.path}/source/below`, { at: `${at.path}/mapped/b`, users, recursive: false });
      expect(below.options).toEqual(["nosuid"]);
    } finally {
      unmount(`${at.path}/source/below`);
    }
  });

  test("openIdmapped() says what cannot be mapped, and leaves nothing", () => {
    using at = scratch();
    expect(() => openIdmapped("/sys/kernel", { at: `${at.path}/mapped/a`, users, recursive: false })).toThrow(/failed to set MOUNT_ATTR_IDMAP on "\/sys\/kernel": EINVAL \(maybe the filesystem used/);
    expect(() => openIdmapped(`${at.path}/nothing`, { at: `${at.path}/mapped/a`, users, recursive: false })).toThrow("ENOENT");
    expect([readdirSync(`${at.path}/mapped`), mountsBelow(at.path)]).toEqual([[], []]);
  });

  test("mountRootfs() and mountImage() show layers with the ids of the namespace, under the names of their links", () => {
    using at = scratch();
    const layers = ["aaaaaa", "bbbbbb"].map((name) => `${at.path}/l/${name}`);
    for (const layer of layers) mkdirSync(layer, { recursive: true });
    writeFileSync(`${at.path}/l/aaaaaa/file`, "");
    chownSync(`${at.path}/l/aaaaaa/file`, 33, 34);
    const target = `${at.path}/root`;
    const mapping = { users, at: `${at.path}/mapped/layers` };
    mountRootfs({ layers, upper: `${at.path}/upper`, work: `${at.path}/work`, target, users: { ...mapping, first: FIRST } });
    mountImage({ layers, target: `${at.path}/image`, users: mapping });
    try {
      expect([ids(target), ids(`${target}/file`), ids(`${at.path}/image/file`)]).toEqual([[FIRST, FIRST], [FIRST + 33, FIRST + 34], [FIRST + 33, FIRST + 34]]);
      const lower = overlaysIn(readFileSync("/proc/self/mountinfo", "utf8")).filter((overlay) => overlay.target.startsWith(at.path)).map((overlay) => overlay.lower.slice(0, 2));
      expect(lower).toEqual([["bbbbbb", "aaaaaa"], ["bbbbbb", "aaaaaa"]]);
      expect(mountsBelow(`${at.path}/mapped`)).toEqual([]);
      writeFileSync(`${target}/file`, "written"); // copied up
      expect(ids(`${at.path}/upper/file`)).toEqual([FIRST + 33, FIRST + 34]);
    } finally {
      for (const each of [target, `${at.path}/image`]) unmountRootfs(each);
    }
  });
});
