import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname as hostnameHere, tmpdir } from "node:os";
import { exec } from "../base/exec.ts";
import { mount, MS_BIND } from "../base/libc.ts";
import { pinsIn } from "./leftovers.ts";
import { inNetwork, makeNamespaces, namespacesStand, removeNamespaces } from "./namespaces.ts";

const able = process.getuid?.() === 0;

describe.skipIf(!able)("makeNamespaces (needs root)", () => {
  const directory = mkdtempSync(`${tmpdir()}/wherry-namespaces-`);
  const files = { network: `${directory}/netns`, ipc: `${directory}/ipcns`, uts: `${directory}/utsns` };
  const make = (hostname = "web-0") => makeNamespaces({ files, hostname });
  const within = async (...argv: readonly string[]): Promise<string> =>
    (await exec(["nsenter", `--net=${files.network}`, `--ipc=${files.ipc}`, `--uts=${files.uts}`, ...argv])).stdout.trim();
  const ownNamespaces = (): string[] => readdirSync("/proc/self/task").flatMap((task) => ["net", "ipc", "uts"].map((kind) => readlinkSync(`/proc/self/task/${task}/ns/${kind}`)));
  afterEach(() => removeNamespaces(files));
  afterAll(() => rmSync(directory, { recursive: true }));

  test("makeNamespaces() pins namespaces with the host name and `lo` up", async () => {
    make();
    expect(namespacesStand(files)).toBe(true);
    expect(await within("hostname")).toBe("web-0");
    expect(await within("cat", "/sys/class/net/lo/operstate", "/proc/net/dev")).not.toContain("eth0");
    expect((await within("busybox", "ping", "-c1", "-W1", "127.0.0.1"))).toContain("1 packets received");
  });

  test("makeNamespaces() brings every thread of this process home", () => {
    const before = new Set(ownNamespaces());
    for (let round = 0; round < 30; round += 1) make();
    expect(new Set(ownNamespaces())).toEqual(before);
    expect(readFileSync("/proc/sys/kernel/hostname", "utf8").trim()).toBe(hostnameHere());
  });

  test("makeNamespaces() makes anew what stood before, whatever a crash left", () => {
    const identity = () => readlinkSyncOf(files.network);
    make();
    const first = identity();
    make();
    expect(identity()).not.toBe(first);
    mount("/proc/self/ns/net", files.network, "", MS_BIND); // one over another
    removeNamespaces({ network: files.network });
    writeFileSync(files.network, ""); // a plain file
    expect(namespacesStand(files)).toBe(false);
    make();
    expect(namespacesStand(files)).toBe(true);
  });

  test("makeNamespaces() makes only what has a file", () => {
    const network = readlinkSync("/proc/self/ns/net");
    makeNamespaces({ files: { ipc: files.ipc }, hostname: "ignored" });
    expect(readdirSync(directory)).toEqual(["ipcns"]);
    expect(namespacesStand({ ipc: files.ipc })).toBe(true);
    expect(readlinkSync("/proc/self/ns/net")).toBe(network);
  });

  test("makeNamespaces() leaves nothing when a pin cannot be made", () => {
    expect(() => makeNamespaces({ files: { ...files, uts: `${directory}/missing/utsns` }, hostname: "web-0" })).toThrow("ENOENT");
    expect(readdirSync(directory)).toEqual([]);
    expect(pinsIn(readFileSync("/proc/self/mountinfo", "utf8"), directory)).toEqual([]);
  });

  test("makeNamespaces() refuses a host name that is too long, and comes home", () => {
    const before = new Set(ownNamespaces());
    expect(() => make("x".repeat(65))).toThrow("Cannot set host name");
    expect(new Set(ownNamespaces())).toEqual(before);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("removeNamespaces() may be repeated", () => {
    make();
    removeNamespaces(files);
    removeNamespaces(files);
    expect(namespacesStand(files)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("inNetwork() comes home when the action throws", () => {
    make();
    const home = readlinkSync("/proc/thread-self/ns/net");
    expect(inNetwork(files.network, () => readlinkSync("/proc/thread-self/ns/net"))).toBe(readlinkSyncOf(files.network));
    expect(() => inNetwork(files.network, () => { throw new Error("no"); })).toThrow("no");
    expect(readlinkSync("/proc/thread-self/ns/net")).toBe(home);
  });

  for (const propagation of ["shared", "private", "slave"]) {
    test(`makeNamespaces() and removeNamespaces() work where mounts are ${propagation}`, async () => {
      const script = `import { makeNamespaces, namespacesStand, removeNamespaces } from "${import.meta.dir}/namespaces.ts";
        const files = ${JSON.stringify(files)};
        makeNamespaces({ files, hostname: "x" });
        const stood = namespacesStand(files);
        removeNamespaces(files);
        console.log(stood, namespacesStand(files));`;
      const { stdout } = await exec(["unshare", "--mount", "--propagation", propagation, process.execPath, "-e", script]);
      expect(stdout.trim()).toBe("true false");
    });
  }

  /** `net:[4026532211]` of a pin, as /proc names it. */
  const readlinkSyncOf = (path: string): string => inNetwork(path, () => readlinkSync("/proc/thread-self/ns/net"));
});

test("pinsIn() finds the nsfs mounts below a directory", () => {
  const line = (point: string, type: string): string => `41 30 0:4 net:[4026532211] ${point} rw shared:9 - ${type} nsfs rw`;
  const mountinfo = [line("/run/w/pods/a/netns", "nsfs"), line("/run/w/pods/b\\040c/netns", "nsfs"), line("/run/w/pods/shm", "tmpfs"), line("/run/wx/netns", "nsfs")].join("\n");
  expect(pinsIn(mountinfo, "/run/w")).toEqual(["/run/w/pods/a/netns", "/run/w/pods/b c/netns"]);
});
