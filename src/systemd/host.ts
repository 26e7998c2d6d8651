/** What systemd is on this host, and which unit a process belongs to. */
import { existsSync } from "node:fs";

/** sd_booted(3). */
export const isSystemdRunning = (root = ""): boolean => existsSync(`${root}/run/systemd/system`);

/** True when journald takes messages (systemd-journald.service(8)). */
export const isJournalRunning = (root = ""): boolean => existsSync(`${root}/run/systemd/journal/socket`);

export interface ProcessUnit {
  /** `wherry@-srv-shop.yaml.service`; may also be a scope: `session-2.scope` */
  readonly unit: string;
  /** cgroup path of the unit, relative to the tree's root. The process may be in a cgroup below it. */
  readonly cgroup: string;
  /** It is a unit of a user's manager, not of the system's. */
  readonly user: boolean;
}

/**
 * The unit of a process, from the text of its `/proc/<pid>/cgroup` (cgroups(7)): by the v2 line `0::`, and where that
 * names none, by systemd's own v1 tree, `name=systemd`. Undefined for a process outside every unit.
 */
export function unitOfProcess(procCgroup: string): ProcessUnit | undefined {
  return unitOfPath(pathOf(procCgroup, "")) ?? unitOfPath(pathOf(procCgroup, "name=systemd"));
}

/** The unit of a cgroup path. */
export function unitOfPath(path: string): ProcessUnit | undefined {
  const parts = path.split("/").slice(1);
  const system = nextUnit(parts, 0);
  if (system === undefined) return undefined;
  const own = /^user@\d+\.service$/.test(parts[system] ?? "") ? nextUnit(parts, system + 1) : undefined;
  const found = own ?? system;
  return {
    unit: (parts[found] ?? "").replace(/^_/, ""), // systemd puts "_" before names that could be taken for the kernel's files
    cgroup: `/${parts.slice(0, found + 1).join("/")}`,
    user: own !== undefined,
  };
}

/** The path of the line `N:controllers:path`, empty when there is none. The path itself may hold colons. */
function pathOf(procCgroup: string, controllers: string): string {
  for (const line of procCgroup.split("\n")) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (match?.[1] === controllers) return match[2] ?? "";
  }
  return "";
}

/** Position of the first unit from `start` on, behind any slices; undefined when something else comes first. */
function nextUnit(parts: readonly string[], start: number): number | undefined {
  let position = start;
  while (parts[position]?.endsWith(".slice") === true) position += 1;
  return /.\.(service|scope|socket|mount|swap)$/.test(parts[position] ?? "") ? position : undefined;
}
