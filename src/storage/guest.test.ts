import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { mkfifo } from "../base/libc.ts";
import { copyIn, type CopyInOptions, copyOut, type Guest } from "./guest.ts";

const base = mkdtempSync(`${tmpdir()}/wherry-guest-`);
afterAll(() => rmSync(base, { recursive: true, force: true }));

let count = 0;
let root = "", host = "", guest: Guest;
let skipped: string[] = [];
const options: CopyInOptions = { onSkip: (path, what) => void skipped.push(`${path.split("/").at(-1)}: ${what}`), give: ({ mode }) => ({ uid: 1234, gid: 56, mode: mode & 0o7777 }) };

beforeEach(() => {
  count += 1;
  [root, host] = [`${base}/${count}/root`, `${base}/${count}/host`];
  for (const path of [root, host]) mkdirSync(path, { recursive: true });
  skipped = [];
  const fd = openSync(root, "r");
  guest = { root: fd, [Symbol.dispose]: () => closeSync(fd) };
});

describe("copyOut", () => {
  test("copyOut() copies a file under another name, or into a directory, with its permission bits", () => {
    writeFileSync(`${root}/a`, "A", { mode: 0o640 });
    chmodSync(`${root}/a`, 0o4750);
    copyOut(guest, { source: "/a", target: `${host}/b` }, options);
    copyOut(guest, { source: "/a", target: host }, options);
    expect(readFileSync(`${host}/b`, "utf8")).toBe("A");
    expect(statSync(`${host}/a`).mode & 0o7777).toBe(0o750);
  });

  test("copyOut() copies what is in a directory beside what the target has, and makes the directories above it", () => {
    mkdirSync(`${root}/d/sub`, { recursive: true });
    writeFileSync(`${root}/d/sub/x`, "X");
    mkdirSync(`${host}/there/sub`, { recursive: true });
    writeFileSync(`${host}/there/sub/x`, "old");
    writeFileSync(`${host}/there/sub/y`, "Y");
    for (const target of ["new", "new/", "there", "deep/er/new"]) copyOut(guest, { source: "/d", target: `${host}/${target}` }, options);
    copyOut(guest, { source: "/d/.", target: `${host}/other` }, options);
    copyOut(guest, { source: "/d/sub/x", target: `${host}/far/away` }, options);
    for (const path of ["new/sub/x", "there/sub/x", "deep/er/new/sub/x", "other/sub/x", "far/away"]) expect(readFileSync(`${host}/${path}`, "utf8")).toBe("X");
    expect(readFileSync(`${host}/there/sub/y`, "utf8")).toBe("Y");
    expect(readdirSync(`${host}/new`)).toEqual(["sub"]);
  });

  test("copyOut() puts no directory in the place of a file, and no file in that of a directory", () => {
    mkdirSync(`${root}/d/x`, { recursive: true });
    mkdirSync(`${root}/e`);
    writeFileSync(`${root}/e/x`, "");
    mkdirSync(`${host}/e/x`, { recursive: true });
    mkdirSync(`${host}/d`);
    for (const file of ["file", "d/x"]) writeFileSync(`${host}/${file}`, "mine");
    writeFileSync(`${root}/d/x/y`, "");
    expect(() => copyOut(guest, { source: "/d", target: `${host}/file` }, options)).toThrow("ENOTDIR");
    expect(() => copyOut(guest, { source: "/d", target: `${host}/d` }, options)).toThrow("ENOTDIR");
    expect(() => copyOut(guest, { source: "/e", target: `${host}/e` }, options)).toThrow("EISDIR");
    expect(readFileSync(`${host}/file`, "utf8")).toBe("mine");
  });

  test("copyOut() follows links inside the container's root only, and leaves out those below", () => {
    mkdirSync(`${root}/etc`);
    writeFileSync(`${root}/etc/passwd`, "of the container");
    symlinkSync("/etc/passwd", `${root}/absolute`);
    symlinkSync("../../../../../etc/passwd", `${root}/relative`);
    mkdirSync(`${root}/d`);
    symlinkSync("/etc/passwd", `${root}/d/link`);
    symlinkSync("/etc", `${root}/d/directory`);
    mkfifo(`${root}/d/pipe`);
    for (const name of ["absolute", "relative"]) {
      copyOut(guest, { source: `/${name}`, target: `${host}/${name}` }, options);
      expect(readFileSync(`${host}/${name}`, "utf8")).toBe("of the container");
    }
    copyOut(guest, { source: "/d", target: `${host}/d` }, options);
    expect(readdirSync(`${host}/d`)).toEqual([]);
    expect(skipped.toSorted()).toEqual(["directory: a symbolic link", "link: a symbolic link", "pipe: a named pipe"]);
  });

  test("copyOut() copies names that are no UTF-8", () => {
    mkdirSync(`${root}/d`);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/d/`), Buffer.from([0x66, 0xff])]), "odd");
    copyOut(guest, { source: "/d", target: `${host}/d` }, options);
    expect(readdirSync(`${host}/d`, { encoding: "buffer" }).map((name) => [...name])).toEqual([[0x66, 0xff]]);
  });

  test("copyOut() refuses what has no name of its own, and what is not there", () => {
    mkdirSync(`${root}/d`);
        expect(() => copyOut(guest, { source: "/absent", target: host }, options)).toThrow("ENOENT");
    writeFileSync(`${root}/f`, "");
    expect(() => copyOut(guest, { source: "/f", target: `${host}/absent/` }, options)).toThrow("it is no directory");
  });
});

describe("copyIn", () => {
  test("copyIn() gives files their owner and mode, and replaces what was there", () => {
    writeFileSync(`${host}/a`, "new");
    chmodSync(`${host}/a`, 0o4711);
    writeFileSync(`${root}/a`, "old and longer");
    copyIn(guest, { source: `${host}/a`, target: "/a" }, options);
    copyIn(guest, { source: `${host}/a`, target: "/b" }, options);
    for (const name of ["a", "b"]) expect(readFileSync(`${root}/${name}`, "utf8")).toBe("new");
    const { uid, gid, mode } = statSync(`${root}/b`);
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 56, mode: 0o4711 });
  });

  test("copyIn() copies directories as new ones, into one, or their contents; links stay links", () => {
    mkdirSync(`${host}/d/sub`, { recursive: true });
    chmodSync(`${host}/d/sub`, 0o500);
    writeFileSync(`${host}/d/sub/x`, "X");
    symlinkSync("/nowhere", `${host}/d/link`);
    mkfifo(`${host}/d/pipe`);
    copyIn(guest, { source: `${host}/d`, target: "/new" }, options);
    copyIn(guest, { source: `${host}/d`, target: "/new" }, options);
    copyIn(guest, { source: `${host}/d/.`, target: "/other" }, options);
    copyIn(guest, { source: `${host}/d/.`, target: "/other" }, options);
    for (const path of ["new", "new/d", "other"]) {
      expect(readFileSync(`${root}/${path}/sub/x`, "utf8")).toBe("X");
      expect(readlinkSync(`${root}/${path}/link`)).toBe("/nowhere");
      expect(lstatSync(`${root}/${path}/link`).uid).toBe(1234);
      expect(statSync(`${root}/${path}/sub`).mode & 0o777).toBe(0o500);
    }
    expect(skipped).toEqual(Array.from({ length: 4 }, () => "pipe: a named pipe"));
  });

  test("copyIn() never writes outside of the root, whatever links the container has", () => {
    const outside = `${base}/${count}/outside`;
    mkdirSync(outside);
    writeFileSync(`${outside}/victim`, "untouched");
    symlinkSync(outside, `${root}/escape`);
    symlinkSync(`${outside}/victim`, `${root}/file`);
    mkdirSync(`${root}/d`);
    symlinkSync(outside, `${root}/d/tree`);
    mkdirSync(`${host}/d/tree`, { recursive: true });
    writeFileSync(`${host}/d/tree/victim`, "spoilt");
    expect(() => copyIn(guest, { source: `${host}/d/tree/victim`, target: "/escape/victim" }, options)).toThrow("ENOENT");
    expect(() => copyIn(guest, { source: `${host}/d/.`, target: "/d" }, options)).toThrow("ENOTDIR");
    copyIn(guest, { source: `${host}/d/tree/victim`, target: "/file" }, options);
    expect(lstatSync(`${root}/file`).isFile()).toBe(true);
    copyIn(guest, { source: `${host}/d/tree/victim`, target: "/../../../up" }, options);
    expect(readFileSync(`${root}/up`, "utf8")).toBe("spoilt");
    expect(readFileSync(`${outside}/victim`, "utf8")).toBe("untouched");
    expect(existsSync(`${base}/${count}/up`)).toBe(false);
  });

  test("copyIn() refuses a place that is not there or has no name", () => {
    writeFileSync(`${host}/a`, "");
    expect(() => copyIn(guest, { source: `${host}/a`, target: "/absent/a" }, options)).toThrow("ENOENT");
    expect(() => copyIn(guest, { source: `${host}/a`, target: "/absent/" }, options)).toThrow("it is no directory");
    expect(() => copyIn(guest, { source: `${host}/a`, target: "/absent/.." }, options)).toThrow();
    mkdirSync(`${root}/a`);
    mkdirSync(`${root}/a/a`);
    expect(() => copyIn(guest, { source: `${host}/a`, target: "/a" }, options)).toThrow('Cannot copy');
  });
});

describe("a container that renames while files are copied", () => {
  const swapper = `${import.meta.dir}/guestSwapper.ts`;

  /** Runs `action` again and again while directories and files of the root change places with links that lead outside. */
  async function whileSwapping(outside: string, action: () => void): Promise<{ readonly done: number; readonly refused: number }> {
    const child = Bun.spawn([process.execPath, swapper, root, outside], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const counts = { done: 0, refused: 0 };
    try {
      for await (const _ of child.stdout) break; // it has begun
      for (const end = performance.now() + 1_500; performance.now() < end; ) {
        try {
          action();
          counts.done += 1;
        } catch {
          counts.refused += 1;
        }
      }
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    return counts;
  }

  const outsideWith = (text: string): string => {
    const outside = `${base}/${count}/outside`;
    mkdirSync(`${outside}/d/e`, { recursive: true });
    for (const path of ["f", "d/f", "d/e/f"]) writeFileSync(`${outside}/${path}`, text);
    return outside;
  };

  test("copyIn() never makes, changes or removes anything outside", async () => {
    const outside = outsideWith("untouched");
    mkdirSync(`${host}/tree/d/e`, { recursive: true });
    for (const path of ["f", "d/f", "d/e/f", "d/e/new"]) writeFileSync(`${host}/tree/${path}`, "spoilt");
    symlinkSync("f", `${host}/tree/d/e/link`);
    const { done, refused } = await whileSwapping(outside, () => {
      copyIn(guest, { source: `${host}/tree/.`, target: "/" }, options);
      copyIn(guest, { source: `${host}/tree/f`, target: "/d/e/f" }, options);
    });
    expect(Math.min(done, refused)).toBeGreaterThan(0); // both sides have met
    expect(readdirSync(outside, { recursive: true }).map(String).toSorted()).toEqual(["d", "d/e", "d/e/f", "d/f", "f"]);
    for (const path of ["f", "d/f", "d/e/f"]) {
      expect(readFileSync(`${outside}/${path}`, "utf8")).toBe("untouched");
      expect(statSync(`${outside}/${path}`).uid).toBe(0);
    }
  }, 20_000);

  test("copyOut() never reads anything outside", async () => {
    const outside = outsideWith("secret");
    let copies = 0, found = 0;
    await whileSwapping(outside, () => {
      const target = `${host}/copy`;
      rmSync(target, { recursive: true, force: true });
      try {
        for (const source of ["/d", "/d/e/f"]) copyOut(guest, { source, target }, options);
      } finally {
        for (const name of existsSync(target) && statSync(target).isDirectory() ? readdirSync(target, { recursive: true }) : []) {
          if (!statSync(`${target}/${name}`).isFile()) continue;
          copies += 1;
          found += readFileSync(`${target}/${name}`, "utf8") === "secret" ? 1 : 0;
        }
      }
    });
    expect(copies).toBeGreaterThan(0);
    expect(found).toBe(0);
  }, 20_000);
});
