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

  test("copyOut() copies a directory as a new one, into one, or its contents only", () => {
    mkdirSync(`${root}/d/sub`, { recursive: true });
    writeFileSync(`${root}/d/sub/x`, "X");
    copyOut(guest, { source: "/d", target: `${host}/new` }, options);
    copyOut(guest, { source: "/d", target: `${host}/new` }, options);
    copyOut(guest, { source: "/d/.", target: `${host}/other` }, options);
    for (const path of ["new/sub/x", "new/d/sub/x", "other/sub/x"]) expect(readFileSync(`${host}/${path}`, "utf8")).toBe("X");
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
    for (const path of ["/", "/d/.."]) expect(() => copyOut(guest, { source: path, target: host }, options)).toThrow("must end with the name");
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
