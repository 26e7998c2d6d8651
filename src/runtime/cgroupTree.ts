/** Makes, enters and removes cgroups. Paths as in `cgroup.ts`. Every function may be repeated. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { cgroupHost, type CgroupLayout, checkedPath, directoriesOf, ownDirectories, type Hierarchy, strayDirectory, words } from "./cgroup.ts";

/** What wherry sets limits with; nothing else is switched on for others. */
const WANTED = ["cpu", "memory", "pids", "hugetlb"];

/** Makes the cgroup `base` in every hierarchy. Kind `failed` where that is not permitted. */
export function ensureBase(base: string, layout: CgroupLayout = cgroupHost()): void {
  for (const hierarchy of layout.hierarchies) {
    const made = unless("ENOENT", () => make(hierarchy, checkedPath(base)) ?? true, false);
    if (!made) make(hierarchy, base); // another process removed an empty parent meanwhile (`removeIfEmpty`)
  }
}

/** Removes a cgroup that has neither processes nor children, in every hierarchy; any other is left alone. */
export function removeIfEmpty(path: string, layout: CgroupLayout = cgroupHost()): void {
  const stray = strayDirectory(path, layout);
  for (const directory of [...directoriesOf(path, layout), ...(stray === undefined ? [] : [stray])]) {
    try {
      rmdirSync(directory);
    } catch (thrown) {
      if (!["ENOENT", "EBUSY", "ENOTEMPTY"].includes(errnoOf(thrown) ?? "")) failToRemove(directory, thrown);
    }
  }
}

/**
 * Waits a moment for the manager of a scope without processes to remove it. The kernel tells a manager somewhat later that
 * a cgroup has become empty, and never when it has been removed before: the manager would think for ever that it runs.
 */
async function managerRemoves(scope: string, layout: CgroupLayout): Promise<void> {
  const watched = { ...layout, hierarchies: layout.hierarchies.filter(({ unified, controllers }) => unified || controllers.length === 0) };
  for (let pause = 1; pause <= 64 && directoriesOf(scope, watched).some(existsSync); pause *= 2) await Bun.sleep(pause);
}

/** Removes a scope without processes, and all below it, where its manager does not: that may have forgotten it before. */
export async function removeScope(scope: string, layout: CgroupLayout = cgroupHost()): Promise<void> {
  await managerRemoves(scope, layout);
  await removeCgroup(scope, layout);
}

/** The same where nothing is left in it, and nothing otherwise. */
export async function removeScopeIfEmpty(scope: string, layout: CgroupLayout = cgroupHost()): Promise<void> {
  const isEmpty = (directory: string): boolean => unless("ENOENT", () => !readdirSync(directory, { withFileTypes: true }).some((each) => each.isDirectory()), false);
  if (!directoriesOf(scope, layout).some(isEmpty)) return;
  await managerRemoves(scope, layout);
  removeIfEmpty(scope, layout);
}

/**
 * Makes `leaf` and moves this process into it, in every hierarchy. On v2, the controllers that wherry uses are then
 * switched on for the children of the leaf's parent, from the root down, as far as this process may and no process sits
 * in between; `controllersBelow` tells the outcome. Kind `failed` when the move is not permitted. Returns the way back.
 */
export function enterCgroup(leaf: string, layout: CgroupLayout = cgroupHost()): () => void {
  const before = ownDirectories(layout);
  ensureBase(leaf, layout);
  for (const directory of directoriesOf(leaf, layout)) {
    try {
      writeFileSync(`${directory}/cgroup.procs`, String(process.pid));
    } catch (cause) {
      fail("failed", `Cannot enter cgroup "${directory}": ${errnoOf(cause) ?? cause}`, { cause });
    }
  }
  for (const { mount, unified } of layout.hierarchies) if (unified) handDown(mount, checkedPath(leaf).split("/").slice(1, -1));
  return () => before.forEach(goBack);
}

/** To a cgroup that this process was in; its owner may have removed it meanwhile, as systemd does with an empty scope. */
function goBack(directory: string): void {
  unless("ENOENT", () => unless("ENODEV", () => writeFileSync(`${directory}/cgroup.procs`, String(process.pid)), undefined), undefined);
}

/** Removes a cgroup and all below it, in every hierarchy. Absent is success; kind `conflict` when processes are in it. */
export async function removeCgroup(path: string, layout: CgroupLayout = cgroupHost()): Promise<void> {
  for (const directory of directoriesOf(path, layout)) {
    if (removeBelow(directory)) continue;
    // The kernel lets go of a cgroup some moments after its last process has ended, and tells nobody.
    let gone = false;
    for (let pause = 1; pause <= 1024 && !gone; pause *= 2) {
      await Bun.sleep(pause);
      gone = removeBelow(directory);
    }
    if (!gone) fail("conflict", `Cannot remove cgroup "${directory}": processes are in it`);
  }
  const stray = strayDirectory(path, layout);
  if (stray !== undefined) rmSync(stray, { recursive: true, force: true });
}

/** True when the directory is gone, false when it is in use. */
function removeBelow(directory: string): boolean {
  const children = unless("ENOENT", () => readdirSync(directory, { withFileTypes: true }), undefined);
  if (children === undefined) return true;
  for (const child of children) if (child.isDirectory() && !removeBelow(`${directory}/${child.name}`)) return false;
  try {
    rmdirSync(directory);
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOENT") return errnoOf(thrown) === "EBUSY" ? false : failToRemove(directory, thrown);
  }
  return true;
}

const failToRemove = (directory: string, cause: unknown): never =>
  fail("failed", `Cannot remove cgroup "${directory}": ${errnoOf(cause) ?? cause}`, { cause });

function make({ mount, controllers, unified }: Hierarchy, path: string): void {
  let directory = mount;
  for (const part of path.split("/").slice(1)) {
    const parent = directory;
    directory += `/${part}`;
    try {
      unless("EEXIST", () => mkdirSync(directory), undefined);
      if (!unified && controllers.includes("cpuset")) inheritCpuset(parent, directory);
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") throw cause;
      fail("failed", `Cannot make cgroup "${directory}": ${errnoOf(cause) ?? cause}`, { cause });
    }
  }
}

/** v1: a cpuset without CPUs and memory nodes takes no process (`cpuset(7)`), and a new one has none. */
function inheritCpuset(parent: string, child: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readIfExists(`${child}/${file}`)?.trim() === "") writeFileSync(`${child}/${file}`, readIfExists(`${parent}/${file}`) ?? "");
  }
}

/** On v2: switches the controllers that wherry uses on for the children of `base`, as `enterCgroup` does. */
export function handDownTo(base: string, layout: CgroupLayout = cgroupHost()): void {
  for (const { mount, unified } of layout.hierarchies) if (unified) handDown(mount + checkedPath(base), []);
}

/** Whether this process may make a cgroup at `path`, in every hierarchy: its nearest ancestor that exists is writable. */
export function canMakeCgroup(path: string, layout: CgroupLayout = cgroupHost()): boolean {
  return directoriesOf(path, layout).every((directory) => {
    let parent = dirname(directory);
    while (!existsSync(parent)) parent = dirname(parent);
    return unless("EACCES", () => unless("EROFS", () => (accessSync(parent, constants.W_OK), true), false), false);
  });
}

function handDown(mount: string, parts: readonly string[]): void {
  let directory = mount;
  for (const part of ["", ...parts]) {
    if (part !== "") directory += `/${part}`;
    const on = words(readIfExists(`${directory}/cgroup.subtree_control`) ?? "");
    const possible = words(readIfExists(`${directory}/cgroup.controllers`) ?? "");
    for (const controller of WANTED) if (possible.includes(controller) && !on.includes(controller)) switchOn(directory, controller);
  }
}

function switchOn(directory: string, controller: string): void {
  try {
    writeFileSync(`${directory}/cgroup.subtree_control`, `+${controller}`);
  } catch {
    // Not ours to switch, or a process sits there: `controllersBelow` shows that it is off.
  }
}
