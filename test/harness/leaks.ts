/**
 * What a machine holds that wherry could have left behind, as sorted lines "category thing". Two snapshots with nothing
 * of wherry running between them must be equal. Run by itself (`tools/leak-check`) it looks at the machine, or the room,
 * that it runs in.
 */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { messageOf, unless } from "../../src/base/errors.ts";
import { isLearned } from "../../src/runtime/learned.ts";
import { firewallLines, interfaceLines } from "./leaksNetwork.ts";

export type Snapshot = readonly string[];

export interface Difference {
  /** There now, and not before. */
  readonly left: readonly string[];
  /** There before, and not now. */
  readonly gone: readonly string[];
}

export interface Directories {
  readonly durable: string;
  readonly runtime: string;
  readonly logs: string;
}

/** Programs that only run on behalf of a container engine. */
const ENGINE_PROGRAMS = new Set(["conmon", "wherry", "crun", "runc", "netavark", "aardvark-dns", "catatonit", "pasta", "slirp4netns", "fuse-overlayfs"]);
/** cgroups of wherry and of containers: by its name, or an OCI container id. Slices that systemd keeps are not ours. */
const ENGINE_CGROUP = /(^|\/)(wherry(?!-room|-box)|[0-9a-f]{64}|libpod|crun|runc|conmon)[^/]*(?<!\.slice)(\/|$)/;

/** Namespaces of an ordinary user, which hold what root's wherry has on the host. */
export interface Inside {
  /** A process in them. */
  readonly pid: number;
  /** argv that runs in them. */
  readonly enter: (argv: readonly string[]) => readonly string[];
}

/** Everything at once; about 100 ms. */
export async function snapshot(directories: Directories, inside?: Inside): Promise<Snapshot> {
  const lines = [
    ...processLines(),
    ...mountLines(hostWitness()),
    ...namespaceLines(),
    ...cgroupLines(),
    ...directoryLines(directories),
    ...(await interfaceLines()),
    ...(await firewallLines()),
    ...(inside === undefined ? [] : await linesInside(inside)),
  ];
  return [...new Set(lines)].sort();
}

async function linesInside({ pid, enter }: Inside): Promise<string[]> {
  const lines = [...mountLines(String(pid)), ...(await interfaceLines(enter)), ...(await firewallLines(enter))];
  return lines.map((line) => `of the user, ${line}`);
}

export function difference(before: Snapshot, after: Snapshot): Difference {
  const [had, has] = [new Set(before), new Set(after)];
  return { left: after.filter((line) => !had.has(line)), gone: before.filter((line) => !has.has(line)) };
}

/** What reading /proc fails with when the process has ended, or just ends (EINVAL: it has no mounts any more). */
const VANISHED = ["ENOENT", "ESRCH", "EACCES", "EINVAL"] as const;

/** Reads a file or directory of /proc whose process may end meanwhile. */
function vanishing<T>(action: () => T, otherwise: T): T {
  return VANISHED.reduce<() => T>((read, code) => () => unless(code, read, otherwise), action)();
}

const pids = (): string[] => readdirSync("/proc").filter((name) => /^\d+$/.test(name));
const text = (path: string): string => vanishing(() => readFileSync(path, "utf8"), "");
const link = (path: string): string => vanishing(() => readlinkSync(path), "");

function processLines(): string[] {
  return pids().flatMap((pid) => {
    const program = text(`/proc/${pid}/comm`).trim();
    const cgroups = text(`/proc/${pid}/cgroup`).split("\n").map((line) => line.split(":").slice(2).join(":"));
    const ours = ENGINE_PROGRAMS.has(program) || cgroups.some((path) => ENGINE_CGROUP.test(path));
    const command = text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    return ours && command !== "" ? [`process ${pid} ${program}: ${command.slice(0, 120)}`] : [];
  });
}

/** Fields of a line of proc_pid_mountinfo(5). */
function mountsOf(pid: string): { readonly root: string; readonly point: string; readonly type: string }[] {
  return text(`/proc/${pid}/mountinfo`).split("\n").flatMap((line) => {
    const [, , , root, point, ...rest] = line.split(" ");
    const type = rest[rest.indexOf("-") + 1];
    return root === undefined || point === undefined || type === undefined ? [] : [{ root, point, type }];
  });
}

/**
 * Mounts that lie over each other are counted: they have the same line otherwise. Who enters a mount namespace stands on
 * the topmost root and does not see what lies under it; process 1 does.
 */
function mountLines(witness: string): string[] {
  const times = new Map<string, number>();
  return mountsOf(witness).map(({ point, type }) => {
    const line = `mount ${point} (${type})`;
    const count = (times.get(line) ?? 0) + 1;
    times.set(line, count);
    return count === 1 ? line : `${line}, number ${count} over each other`;
  });
}

const hostWitness = (): string => (link("/proc/1/ns/mnt") === link("/proc/self/ns/mnt") ? "1" : "self");

/** Network namespaces: pinned by a mount in any mount namespace, or held by a process or by an open file only. */
function namespaceLines(): string[] {
  const own = link("/proc/self/ns/net");
  const holders = new Map<string, string>();
  const hold = (namespace: string, how: string): void => {
    if (namespace.startsWith("net:[") && namespace !== own && !holders.has(namespace)) holders.set(namespace, how);
  };
  const mountNamespaces = new Set<string>();
  for (const pid of pids()) {
    const mounts = link(`/proc/${pid}/ns/mnt`);
    if (!mountNamespaces.has(mounts)) for (const { root, point } of mountsOf(pid)) hold(root, `pinned at ${point}`);
    mountNamespaces.add(mounts);
  }
  for (const pid of pids()) hold(link(`/proc/${pid}/ns/net`), `of process ${text(`/proc/${pid}/comm`).trim()}`);
  for (const pid of pids()) {
    for (const fd of vanishing(() => readdirSync(`/proc/${pid}/fd`), [])) {
      hold(link(`/proc/${pid}/fd/${fd}`), `unreachable but for an open file of ${text(`/proc/${pid}/comm`).trim()}`);
    }
  }
  return [...holders].map(([namespace, how]) => `netns ${namespace} ${how}`);
}

function cgroupLines(): string[] {
  const trees = mountsOf("self").filter(({ type }) => type === "cgroup" || type === "cgroup2");
  return trees.flatMap(({ point }) => below(point).filter((path) => ENGINE_CGROUP.test(path)).map((path) => `cgroup ${path}`));
}

function below(directory: string): string[] {
  const entries = vanishing(() => readdirSync(directory, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isDirectory()).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return [path, ...below(path)];
  });
}

/** What may exist only while something runs. The databases, images, volumes and lock files stay. */
function directoryLines({ durable, runtime, logs }: Directories): string[] {
  const entries = (kind: string, parents: readonly string[]): string[] =>
    parents.flatMap((parent) => vanishing(() => readdirSync(parent), []).filter((name) => !isLearned(name)).map((name) => `${kind} ${parent}/${name}`));
  return [
    ...entries("directory", [`${runtime}/services`, `${runtime}/pods`, `${durable}/pods`, logs]),
    ...entries("oci-record", [`${runtime}/oci`, "/run/crun", "/run/runc"]),
  ];
}

/** The directories as wherry itself would choose them from this environment, for this user. */
export function directoriesOf(environment: Readonly<Record<string, string | undefined>>): Directories {
  const uid = process.getuid?.() ?? 0;
  const [durable, runtime] = uid === 0 ? ["/var/lib/wherry", "/run/wherry"] : [`${environment["HOME"]}/.local/share/wherry`, `/run/user/${uid}/wherry`];
  return {
    durable: environment["WHERRY_ROOT"] ?? durable,
    runtime: environment["WHERRY_RUNROOT"] ?? runtime,
    logs: environment["WHERRY_LOGS"] ?? (uid === 0 ? "/var/log/wherry" : `${durable}/logs`),
  };
}

async function main(words: readonly string[]): Promise<number> {
  const [option, file] = words;
  const now = await snapshot(directoriesOf(process.env));
  if (option === undefined) return print(now);
  if (file === undefined || !["--before", "--after"].includes(option)) {
    console.error("usage: leak-check [--before FILE | --after FILE]");
    return 2;
  }
  if (option === "--before") {
    writeFileSync(file, now.map((line) => `${line}\n`).join(""));
    return 0;
  }
  const { left, gone } = difference(readFileSync(file, "utf8").split("\n").filter((line) => line !== ""), now);
  print([...left.map((line) => `left behind: ${line}`), ...gone.map((line) => `missing: ${line}`)]);
  return left.length + gone.length === 0 ? 0 : 1;
}

function print(lines: readonly string[]): number {
  for (const line of lines) console.log(line);
  return 0;
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2)).catch((thrown: unknown) => {
    console.error(`Cannot check for leaks: ${messageOf(thrown)}`);
    return 2;
  });
}
