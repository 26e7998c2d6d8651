import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cgroupHost, checkedPath, controllersBelow, directoriesOf, ownCgroup, parseLayout } from "./cgroup.ts";
import { killCgroup, oomKills, processesOf, signalCgroup } from "./cgroupProcesses.ts";
import { enterCgroup, ensureBase, removeCgroup, removeScope, removeScopeIfEmpty } from "./cgroupTree.ts";

const line = (mount: string, type: string, options: string): string => `30 25 0:26 / ${mount} rw,relatime shared:9 - ${type} ${type} ${options}`;
const V2 = line("/sys/fs/cgroup", "cgroup2", "rw,nsdelegate");
const V1 = [line("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"), line("/sys/fs/cgroup/memory", "cgroup", "rw,memory"), line("/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd")];
const UNIFIED = line("/sys/fs/cgroup/unified", "cgroup2", "rw");

const probe = (controllers: string, hidden: readonly string[] = []) => ({ controllersOfTree: () => controllers, isVisible: (mount: string) => !hidden.includes(mount) });

test("parseLayout ignores trees that something else has been mounted over, and takes one mounted twice once", () => {
  expect(parseLayout([...V1, UNIFIED].join("\n"), probe("", ["/sys/fs/cgroup/unified"]))).toMatchObject({ hybrid: false });
  expect(parseLayout([...V1, ...V1].join("\n"), probe("")).hierarchies).toEqual(parseLayout(V1.join("\n"), probe("")).hierarchies);
});

test("parseLayout sees one v2 tree with its controllers", () => {
  expect(parseLayout(V2, probe("cpuset cpu io memory pids\n"))).toEqual({
    version: "v2", hybrid: false, controllers: ["cpuset", "cpu", "io", "memory", "pids"],
    hierarchies: [{ mount: "/sys/fs/cgroup", controllers: ["cpuset", "cpu", "io", "memory", "pids"], unified: true }],
  });
});

test("parseLayout sees v1 with a tree per group of controllers, and one without", () => {
  const layout = parseLayout(V1.join("\n"), probe(""));
  expect(layout).toMatchObject({ version: "v1", hybrid: false, controllers: ["cpu", "cpuacct", "memory"] });
  expect(directoriesOf("/wherry/x", layout)).toEqual(["/sys/fs/cgroup/cpu,cpuacct/wherry/x", "/sys/fs/cgroup/memory/wherry/x", "/sys/fs/cgroup/systemd/wherry/x"]);
});

test("parseLayout sees the hybrid layout, whose v2 tree has no controllers for us", () => {
  expect(parseLayout([...V1, UNIFIED].join("\n"), probe("hugetlb"))).toMatchObject({ version: "v1", hybrid: true, controllers: ["cpu", "cpuacct", "memory"] });
});

test("parseLayout ignores other mounts", () => {
  expect(parseLayout(line("/sys", "sysfs", "rw"), probe(""))).toEqual({ version: "v1", hybrid: false, controllers: [], hierarchies: [] });
});

const OWN: readonly (readonly [string, string])[] = [
  ["0::/system.slice/wherry@x.service\n", "/system.slice/wherry@x.service"],
  ["4:memory:/other\n1:name=systemd:/user.slice/u.service\n0::/\n", "/user.slice/u.service"],
  ["4:memory:/mem\n0::/\n", "/mem"],
];
for (const [text, path] of OWN) test(`ownCgroup reads ${JSON.stringify(text)}`, () => expect(ownCgroup(text)).toBe(path));

for (const path of ["", "/", "x", "/a/../b", "/a//b", "/a/", "/..", "/."]) {
  test(`checkedPath refuses ${JSON.stringify(path)}`, () => expect(() => checkedPath(path)).toThrow(/Cannot use/));
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const BASE = `/wherry-cgroup-test-${process.pid}`;

asRoot("enterCgroup moves a process, killCgroup ends everything below, removeCgroup leaves nothing (needs root)", async () => {
  const script = `import { enterCgroup } from ${JSON.stringify(`${import.meta.dir}/cgroupTree.ts`)};
    enterCgroup(${JSON.stringify(`${BASE}/wherry`)});
    Bun.spawn(["sleep", "1000"]);
    console.log("in"); await Bun.sleep(1000000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await child.stdout.getReader().read();
  try {
    expect(processesOf(BASE)).toContain(child.pid);
    expect(processesOf(BASE)).toHaveLength(2);
    expect(processesOf(`${BASE}/wherry`)).toHaveLength(2);
    expect(removeCgroup(BASE)).rejects.toMatchObject({ kind: "conflict" });
    expect(signalCgroup(BASE, "SIGCONT")).toBe(true);
    if (cgroupHost().version === "v1") expect(controllersBelow(BASE)).toEqual(cgroupHost().controllers);
    expect(oomKills(BASE)).toBe(0);
  } finally {
    await killCgroup(BASE);
    await child.exited;
    await removeCgroup(BASE);
  }
  expect(directoriesOf(BASE).filter((directory) => existsSync(directory))).toEqual([]);
});

asRoot("ensureBase, killCgroup and removeCgroup may be repeated (needs root)", async () => {
  ensureBase(`${BASE}-again/a`);
  ensureBase(`${BASE}-again/a`);
  await killCgroup(`${BASE}-again`);
  await removeCgroup(`${BASE}-again`);
  await removeCgroup(`${BASE}-again`);
  await killCgroup(`${BASE}-again`);
  expect(processesOf(`${BASE}-again`)).toEqual([]);
  expect(signalCgroup(`${BASE}-again`, "SIGKILL")).toBe(false);
});

test("enterCgroup and killCgroup refuse the root", () => {
  expect(() => enterCgroup("/")).toThrow(/Cannot use/);
  expect(killCgroup("/")).rejects.toThrow(/Cannot use/);
});

test("ensureBase() leaves the cpusets of a v2 tree alone, where an empty one means all that the parent has", () => {
  using at = scratchTree();
  mkdirSync(`${at.path}/user.slice`);
  writeFileSync(`${at.path}/cpuset.cpus`, "0-1\n");
  writeFileSync(`${at.path}/user.slice/cpuset.cpus`, "\n");
  ensureBase("/user.slice/shop", { version: "v2", hybrid: false, controllers: ["cpuset"], hierarchies: [{ mount: at.path, controllers: ["cpuset"], unified: true }] });
  expect([existsSync(`${at.path}/user.slice/shop`), readFileSync(`${at.path}/user.slice/cpuset.cpus`, "utf8")]).toEqual([true, "\n"]);
});

function scratchTree(): { readonly path: string } & Disposable {
  const path = mkdtempSync("/tmp/wherry-cgroup-");
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A tree of plain directories, with a scope in which there is one directory. */
function scopeIn(mount: string) {
  mkdirSync(`${mount}/a.scope/pod`, { recursive: true });
  return { scope: `${mount}/a.scope`, layout: { version: "v2", hybrid: false, controllers: [], hierarchies: [{ mount, controllers: [], unified: true }] } as const };
}

test("removeScope gives a scope's manager a moment to remove it, and removes it when that does not", async () => {
  const mount = mkdtempSync("/tmp/wherry-cgroup-");
  try {
    const { scope, layout } = scopeIn(mount);
    const removing = removeScope("/a.scope", layout);
    await Bun.sleep(20);
    expect(existsSync(scope)).toBe(true);
    rmSync(scope, { recursive: true }); // as the manager does
    await removing;
    scopeIn(mount);
    await removeScope("/a.scope", layout);
    expect(existsSync(scope)).toBe(false);
    await removeScope("/a.scope", layout);
  } finally {
    rmSync(mount, { recursive: true, force: true });
  }
});

test("removeScopeIfEmpty leaves a scope in which there is something, at once", async () => {
  const mount = mkdtempSync("/tmp/wherry-cgroup-");
  try {
    const { scope, layout } = scopeIn(mount);
    await removeScopeIfEmpty("/a.scope", layout);
    expect(existsSync(`${scope}/pod`)).toBe(true);
    rmSync(`${scope}/pod`, { recursive: true });
    await removeScopeIfEmpty("/a.scope", layout);
    expect(existsSync(scope)).toBe(false);
    await removeScopeIfEmpty("/a.scope", layout);
  } finally {
    rmSync(mount, { recursive: true, force: true });
  }
});
