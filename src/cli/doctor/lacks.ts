/** What the host lacks, where it bites: for manifests, for a user's namespaces, for cgroups. */
import { existsSync } from "node:fs";
import { fail } from "../../base/errors.ts";
import type { HostLacks } from "../../kube/host.ts";
import { rangesOf } from "../../rootless/ids.ts";
import type { Facts, Finding } from "./facts.ts";
import { atLeast, firstHostPort, overlay, userNamespaces } from "./kernel.ts";
import { runtimeDirectory, store } from "./places.ts";
import { programFindings } from "./programs.ts";
import { cgroupFindings, longestGrace, subordinateIds, userManager } from "./users.ts";

/** What pods of this user cannot have, for the check of manifests. Pure but for the look at SELinux, which every kernel has or has not. */
export function hostLacks(facts: Pick<Facts, "user" | "cgroups" | "sysctls" | "kernel" | "subordinate" | "stopTimeout">): HostLacks {
  const lacks = { controllers: absentControllers(facts), seLinux: !existsSync("/sys/fs/selinux/enforce") };
  if (facts.user.uid === 0) return lacks;
  const ids = Math.min(...[facts.subordinate.uid, facts.subordinate.gid].map((text) => rangesOf(text, facts.user).reduce((sum, { count }) => sum + count, 1)));
  // Who owns an IPC namespace may set its parameters since Linux 5.19.
  const sysctls = atLeast(facts.kernel, [5, 19]) ? [] : ["kernel.", "fs.mqueue."];
  const { stopTimeout } = facts;
  const grace = stopTimeout === undefined ? {} : { grace: { stopTimeout, longest: longestGrace(stopTimeout) } };
  return { ...lacks, user: { name: facts.user.name, firstPort: firstHostPort(facts), ids, sysctls, ...grace } };
}

const CONTROLLERS = ["cpu", "memory", "hugetlb"];

function absentControllers({ cgroups: { available, delegated }, user }: Pick<Facts, "cgroups" | "user">): Readonly<Record<string, string>> {
  const why = (name: string): string => (available.includes(name) ? `cgroup controller "${name}" is not handed to user "${user.name}" ("wherry doctor" has the command)` : `this host has no cgroup controller "${name}"`);
  return Object.fromEntries(CONTROLLERS.filter((name) => !delegated.includes(name)).map((name) => [name, why(name)]));
}

/** Programs that a user's namespaces cannot be made without. */
const MAKERS = ["newuidmap", "newgidmap", "unshare", "nsenter", "setsid"];

/** What stands between an ordinary user and namespaces of its own, all at once: each with its commands. */
export function namespaceLacks(facts: Facts): readonly Finding[] {
  const programs = programFindings(facts).filter(({ about }) => MAKERS.includes(about));
  return [userNamespaces(facts), overlay(facts), subordinateIds(facts), ...programs, runtimeDirectory(facts), store(facts)].filter(({ level }) => level === "missing");
}

/** Fails with kind `unavailable` and the commands that mend it when this user cannot have namespaces here. */
export function requireNamespaces(facts: Facts): void {
  refuse({ action: "run pods", user: facts.user.name, code: "EROOTLESS" }, namespaceLacks(facts));
}

/** The same for a cgroup of one's own. */
export function requireCgroups(facts: Pick<Facts, "user" | "cgroups" | "userManager">): void {
  refuse({ action: "make cgroups", user: facts.user.name, code: "ENOCGROUP" }, [...cgroupFindings(facts), userManager(facts)].filter(({ level }) => level === "missing"));
}

/** The same for units of one's own. */
export function requireManager(facts: Pick<Facts, "user" | "userManager">): void {
  refuse({ action: "run units", user: facts.user.name, code: "ENOMANAGER" }, [userManager(facts)].filter(({ level }) => level === "missing"));
}

function refuse({ action, user, code }: { readonly action: string; readonly user: string; readonly code: string }, found: readonly Finding[]): void {
  if (found.length === 0) return;
  const commands = [...new Set(found.flatMap(({ mend }) => mend))];
  fail("unavailable", `Cannot ${action} as user "${user}": ${found.map(({ about, is }) => `${about}: ${is}`).join("; ")}`, { code, hint: [`${commands.length === 1 ? "this mends" : "these mend"} it, and "wherry doctor" says what else is missing:`, ...commands].join("\n  "), context: { findings: found } });
}
