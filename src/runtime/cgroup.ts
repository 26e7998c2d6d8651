/**
 * cgroups (`cgroups(7)`; kernel `cgroup-v2.rst`): where this process is, which controllers exist, and moving.
 * The layout of a service below its base (the unit's delegated cgroup, or `/wherry/<service>` by hand):
 * `<base>/wherry` holds play, the supervisor and every conmon; `<base>/<pod uid>/<container id>` holds a container.
 * `<base>` itself never holds a process, so that on v2 its controllers can be handed down.
 *
 * A *cgroup path* is relative to the tree's root and starts with `/`. On v1 the same path is used in every hierarchy.
 * `cgroupTree.ts` makes and removes cgroups, `cgroupProcesses.ts` deals with what runs in them.
 */
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";

export interface CgroupHost {
  /** `v2`: one tree. `v1`: one tree per controller (also the hybrid layout). */
  readonly version: "v1" | "v2";
  /** Controllers that can be used, e.g. `["cpu","memory","pids"]`. On v2: those of the root's `cgroup.controllers`. */
  readonly controllers: readonly string[];
}

/** One mounted cgroup tree. */
export interface Hierarchy {
  readonly mount: string;
  /** Empty for `name=systemd` and for a v2 tree beside v1. */
  readonly controllers: readonly string[];
  readonly unified: boolean;
}

export interface CgroupLayout extends CgroupHost {
  /** v1 with a v2 tree mounted beside it: crun refuses to run. */
  readonly hybrid: boolean;
  readonly hierarchies: readonly Hierarchy[];
}

const ROOT = "/sys/fs/cgroup";
const V1_CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma", "misc"];

let own: CgroupLayout | undefined;

/** The cgroup trees that this process sees. Read once: they do not change during the life of a process. */
export function cgroupHost(): CgroupLayout {
  own ??= parseLayout(readFileSync("/proc/self/mountinfo", "utf8"), {
    controllersOfTree: (mount) => readIfExists(`${mount}/cgroup.controllers`) ?? "",
    isVisible: (mount) => unless("ENOENT", () => CGROUP_MAGIC.includes(statfsSync(mount).type), false),
  });
  return own;
}

/** `statfs(2)` types of cgroup v1 and v2. */
const CGROUP_MAGIC = [0x27e0eb, 0x63677270];

/** What of the host a layout depends on besides the mount table. */
export interface LayoutProbe {
  /** The text of a v2 tree's `cgroup.controllers`. */
  controllersOfTree(mount: string): string;
  /** False when something else has been mounted over it, which a mount table does not show. */
  isVisible(mount: string): boolean;
}

/** The layout that a `mountinfo` (`proc(5)`) describes. */
export function parseLayout(mountinfo: string, { controllersOfTree, isVisible }: LayoutProbe): CgroupLayout {
  const all = mountinfo.split("\n").flatMap(parseMount);
  const mounts = all.filter((each, index) => isVisible(each.mount) && all.findLastIndex(({ mount }) => mount === each.mount) === index);
  const main = mounts.find((each) => each.unified && each.mount === ROOT);
  if (main !== undefined) {
    const controllers = words(controllersOfTree(ROOT));
    return { version: "v2", controllers, hybrid: false, hierarchies: [{ ...main, controllers }] };
  }
  return {
    version: "v1",
    controllers: mounts.flatMap((each) => each.controllers),
    hybrid: mounts.some((each) => each.unified),
    hierarchies: mounts,
  };
}

function parseMount(line: string): Hierarchy[] {
  const [left = "", right = ""] = line.split(" - ");
  const mount = left.split(" ")[4] ?? "";
  const [type, , options = ""] = right.split(" ");
  if (!mount.startsWith(ROOT)) return [];
  if (type === "cgroup2") return [{ mount, controllers: [], unified: true }];
  if (type === "cgroup") return [{ mount, controllers: options.split(",").filter((each) => V1_CONTROLLERS.includes(each)), unified: false }];
  return [];
}

/**
 * Controllers that a container below `base` can be limited with. On v2 those that `base` hands down to its children
 * (`cgroup.subtree_control`, written by `enterCgroup`), on v1 all that are mounted.
 */
export function controllersBelow(base: string, layout: CgroupLayout = cgroupHost()): readonly string[] {
  if (layout.version === "v1") return layout.controllers;
  return words(readIfExists(`${ROOT}${checkedPath(base)}/cgroup.subtree_control`) ?? "");
}

/** On v2: `path` hands controllers down, and so takes no process of its own (`cgroup.subtree_control` is not empty). */
export function handsDown(path: string, layout: CgroupLayout = cgroupHost()): boolean {
  const trees = layout.hierarchies.filter(({ unified }) => unified);
  return trees.some(({ mount }) => words(readIfExists(`${mount}${checkedPath(path)}/cgroup.subtree_control`) ?? "").length > 0);
}

/** The cgroup of this process: the v2 path, or on v1 that of `name=systemd` (the unit's), else of the first hierarchy. */
export function ownCgroup(text = readFileSync("/proc/self/cgroup", "utf8")): string {
  const lines = text.trim().split("\n").map((line) => /^\d+:([^:]*):(.*)$/.exec(line) ?? ["", "", "/"]);
  const line = lines.length === 1 ? lines[0] : (lines.find(([, name]) => name === "name=systemd") ?? lines.find(([, name]) => name !== ""));
  return line?.[2] ?? "/";
}

/** The directories of the cgroups that this process is in, one per hierarchy. */
export function ownDirectories(layout: CgroupLayout = cgroupHost(), text = readFileSync("/proc/self/cgroup", "utf8")): readonly string[] {
  return text.trim().split("\n").flatMap((line) => {
    const [, names = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const own = layout.hierarchies.find(({ mount, unified, controllers }) =>
      names === "" ? unified : names === "name=systemd" ? mount === `${ROOT}/systemd` : names.split(",").some((name) => controllers.includes(name)));
    return own === undefined ? [] : [own.mount + path];
  });
}

/** The directories of a cgroup path, one per hierarchy; they need not exist. */
export function directoriesOf(path: string, layout: CgroupLayout = cgroupHost()): readonly string[] {
  const checked = checkedPath(path);
  return layout.hierarchies.map(({ mount }) => mount + checked);
}

/**
 * On v1, crun writes into `/sys/fs/cgroup/unified` also when no v2 tree is mounted there: plain directories on the
 * tmpfs, which nobody else removes. Undefined when that place is a real tree or absent.
 */
export function strayDirectory(path: string, layout: CgroupLayout = cgroupHost()): string | undefined {
  if (layout.version === "v2" || layout.hybrid) return undefined;
  const stray = `${ROOT}/unified${checkedPath(path)}`;
  return existsSync(stray) ? stray : undefined;
}

/** A cgroup path that cannot name the root or climb out of it: what is killed and removed is always below. Kind `invalid`. */
export function checkedPath(path: string): string {
  const sound = /^(\/[^/\0]+)+$/.test(path) && !path.split("/").some((part) => part === "." || part === "..");
  return sound ? path : fail("invalid", `Cannot use "${path}" as a cgroup path: it must be absolute, below the root and without "." and ".."`);
}

export const words = (text: string): readonly string[] => text.trim().split(/\s+/).filter((word) => word !== "");
