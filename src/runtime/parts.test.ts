import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { startTimeOf } from "../base/pidFile.ts";
import { newContainerId } from "../spec/spec.ts";
import { type CgroupLayout } from "./cgroup.ts";
import { chooseRuntime, pathOf } from "./chooseRuntime.ts";
import { execProcess } from "./execIn.ts";
import { sentenceOf } from "./messages.ts";
import { monitorArgv } from "./monitor.ts";
import { signalProcess } from "./process.ts";
import { busyConfig } from "./real.ts";
import { hardRlimits, hostCapabilities, lowestOomScoreAdj, ownCapabilities } from "./rlimits.ts";

const SENTENCES: readonly (readonly [string, string])[] = [
  ["executable file `nope` not found in $PATH: No such file or directory\n", "executable file `nope` not found in $PATH: No such file or directory"],
  ["2026-11-23T14:07:01.655231Z: cannot open `x`\n", "cannot open `x`"],
  ['time="2026-11-23T14:07:01Z" level=error msg="runc create failed: unable to start container process: exec: \\"nope\\": executable file not found in $PATH"\n', 'exec: "nope": executable file not found in $PATH'],
  ["[conmon:e]: Failed to create container: exit status 1\n", "Failed to create container: exit status 1"],
  ["one\none\ntwo.\n", "one; two"],
  ["", ""],
];
for (const [text, sentence] of SENTENCES) test(`sentenceOf reads ${JSON.stringify(text.slice(0, 40))}`, () => expect(sentenceOf(text)).toBe(sentence));

const LAYOUT: CgroupLayout = { version: "v1", hybrid: false, controllers: [], hierarchies: [] };
const ROOT = "/nonexistent/wherry";

test("chooseRuntime takes what is wanted, and says so when it is not there", async () => {
  expect(await chooseRuntime({ root: ROOT, wanted: "/bin/sh" })).toBe("/bin/sh");
  expect(chooseRuntime({ root: ROOT, wanted: "no-such-runtime" })).rejects.toMatchObject({ kind: "unavailable" });
});

const installed = pathOf("crun") !== undefined && pathOf("runc") !== undefined;
test.skipIf(!installed)("chooseRuntime takes crun where nothing is against it, runc on hybrid cgroups (needs both)", async () => {
  expect(await chooseRuntime({ root: ROOT, cgroups: LAYOUT })).toBe(pathOf("crun") ?? "");
  expect(await chooseRuntime({ root: ROOT, cgroups: { ...LAYOUT, version: "v2" }, memlock: undefined })).toBe(pathOf("crun") ?? "");
  expect(await chooseRuntime({ root: ROOT, cgroups: { ...LAYOUT, hybrid: true } })).toBe(pathOf("runc") ?? "");
});

test.skipIf(!installed)("chooseRuntime remembers what it learned of crun's device filter (needs both)", async () => {
  const root = mkdtempSync("/tmp/wherry-choice-");
  try {
    const cgroups: CgroupLayout = { ...LAYOUT, version: "v2" };
    writeFileSync(`${root}/.crun-refuses`, "setrlimit (RLIM_MEMLOCK)");
    expect(await chooseRuntime({ root, cgroups, memlock: 65_536 })).toBe(pathOf("runc") ?? "");
    writeFileSync(`${root}/.crun-refuses`, "");
    expect(await chooseRuntime({ root, cgroups, memlock: 65_536 })).toBe(pathOf("crun") ?? "");
    expect(readdirSync(root)).toEqual([".crun-refuses"]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             96364                96364                processes
Max open files            1024                 20000                files
Max locked memory         8388608              8388608              bytes
Max file size             unlimited            unlimited            bytes`;

test("hardRlimits gives the hard limits that may not be raised", () => {
  expect(hardRlimits({ limits: LIMITS, capabilities: [], openFiles: 1_048_576 })).toEqual({ RLIMIT_NPROC: 96_364, RLIMIT_NOFILE: 20_000, RLIMIT_MEMLOCK: 8_388_608 });
});

test("hardRlimits gives only the kernel's own limit to who may raise limits", () => {
  expect(hardRlimits({ limits: LIMITS, capabilities: ["CAP_SYS_RESOURCE"], openFiles: 1_048_576 })).toEqual({ RLIMIT_NOFILE: 1_048_576 });
});

test("hostCapabilities of root in a user namespace are none: it may raise no limit of the host", () => {
  expect(hostCapabilities("         0          0 4294967295\n", ["CAP_SYS_RESOURCE"])).toEqual(["CAP_SYS_RESOURCE"]);
  expect(hostCapabilities("         0       1000          1\n         1     100000      65536\n", ["CAP_SYS_RESOURCE"])).toEqual([]);
});

test("lowestOomScoreAdj is open to who may lower it", () => {
  expect(lowestOomScoreAdj(["CAP_SYS_RESOURCE"])).toBeUndefined();
  expect(lowestOomScoreAdj([])).toBeNumber();
});

test("ownCapabilities names the bits", () => {
  expect(ownCapabilities("CapEff:\t00000000a80425fb\n")).toHaveLength(14);
  expect(ownCapabilities("CapEff:\t000001fffeffffff\n")).not.toContain("CAP_SYS_RESOURCE");
});

test("execProcess puts the request's words over the container's process", () => {
  const own = { args: ["a"], env: ["A=1", "B=2"], cwd: "/own", user: { uid: 5, gid: 5 }, terminal: false };
  const request = { args: ["sh"], env: ["A=3"], cwd: "", terminal: { size: () => ({ rows: 3, columns: 5 }), keys: async function* () {}, show: async () => true }, interactive: true };
  expect(execProcess(own, request)).toEqual({ ...own, args: ["sh"], env: ["A=3", "B=2"], terminal: true, consoleSize: { height: 3, width: 5 } });
  expect(execProcess(own, { ...request, cwd: "/x", user: { uid: 0, gid: 0 } })).toMatchObject({ cwd: "/x", user: { uid: 0, gid: 0 } });
});

test("monitorArgv writes to the journal, and labels it, only when asked and able", () => {
  const id = newContainerId();
  const request = { id, bundle: "/b", config: busyConfig([], "/x"), logPath: "/l", logSizeMax: 5, journal: true, name: "n", tag: "t", labels: { a: "b" } };
  const parts = { conmon: "/c", runtime: "/r", root: "/s", labels: true };
  expect(monitorArgv(request, parts)).toContain("a=b");
  expect(monitorArgv(request, { ...parts, labels: false })).not.toContain("--log-label");
  expect(monitorArgv({ ...request, journal: false }, parts)).not.toContain("journald:");
});

test("signalProcess reaches a process only when it is the one that is meant", async () => {
  const child = Bun.spawn(["sleep", "1000"]);
  const start = startTimeOf(child.pid);
  expect(start).toBeGreaterThan(0);
  expect(signalProcess(child.pid, "SIGKILL", () => false)).toBe(false);
  expect(startTimeOf(child.pid)).toBe(start);
  expect(signalProcess(child.pid, "SIGKILL", () => true)).toBe(true);
  await child.exited;
  expect(signalProcess(child.pid, "SIGKILL", () => true)).toBe(false);
  expect(startTimeOf(child.pid)).toBeUndefined();
  expect(existsSync(`/proc/${child.pid}`)).toBe(false);
});
