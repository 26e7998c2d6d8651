/**
 * Transient scopes (systemd.scope(5)) for what is played by hand: a cgroup of its own, handed over by the manager
 * (`Delegate=yes`), which the manager forgets by itself when its last process has ended.
 */
import { existsSync } from "node:fs";
import { isSystemdRunning, type ProcessUnit, unitOfProcess } from "./host.ts";

/** Whose manager: that of a user, or the system's (uid 0). */
export interface Manager {
  readonly uid: number;
}

/** A user's runtime directory (pam_systemd(8)). */
export const userRuntime = (uid: number): string => `/run/user/${uid}`;

/** Whether there is a manager to ask. A user has one while logged in, or always when lingering (loginctl(1)). */
export const isManaged = ({ uid }: Manager, root = ""): boolean => isSystemdRunning(root) && (uid === 0 || existsSync(`${root}${userRuntime(uid)}/systemd/private`));

/** Name and cgroup of a scope that does not exist yet; `tag` tells it from earlier ones of the service. */
export function scopeOf(service: string, { uid, tag }: Manager & { readonly tag: string }): ProcessUnit {
  const unit = `wherry-${service}-${tag}.scope`;
  const slice = uid === 0 ? "/system.slice" : `/user.slice/user-${uid}.slice/user@${uid}.service/app.slice/app-wherry.slice`;
  return { unit, cgroup: `${slice}/${unit}`, user: uid !== 0 };
}

/** Seconds that containers may take to end when the machine goes down: the longest grace period that is honoured, and a margin. */
const STOP_TIMEOUT = 180;

/**
 * In a cgroup that is handed over, only leaves hold processes (kernel `cgroup-v2.rst`, "No Internal Process Constraint").
 * Who asked for the scope makes the leaf when it is told that the scope is there: a program for that would take longer.
 */
const INTO_LEAF = 'echo; read -r _ && echo $$ >"$0/cgroup.procs" && exec "$@" </dev/null >/dev/null';

/**
 * argv to put in front of another, with environment: it then runs in the new scope, in the child cgroup `leaf`, whose
 * directory is given. Says an empty line when the scope is there, and goes on when it is given one; by then the leaf must be there.
 */
export function scopeArgv({ unit, user }: ProcessUnit, { uid, leaf }: Manager & { readonly leaf: string }): { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const words = ["--scope", "--quiet", "--collect", `--unit=${unit}`, `--description=Kubernetes pods played by hand (${unit.replace(/^wherry-|-[^-]*\.scope$/g, "")})`, `--slice=${user ? "app-wherry" : "system"}.slice`, "--property=Delegate=yes", `--property=TimeoutStopSec=${STOP_TIMEOUT}`];
  return {
    argv: ["systemd-run", ...(user ? ["--user"] : []), ...words, "--", "/bin/sh", "-c", INTO_LEAF, leaf],
    env: user ? { XDG_RUNTIME_DIR: userRuntime(uid) } : {},
  };
}

/**
 * argv to put in front of a command of a user that is to move processes into cgroups below the user's manager, to be run
 * with `XDG_RUNTIME_DIR` as `userRuntime` has it: the kernel asks for the right to write their nearest common ancestor
 * too (kernel `cgroup-v2.rst`, "Delegation Containment"), which a login's own cgroup does not give. Empty where there is
 * no need. `runtime`: the user's own XDG_RUNTIME_DIR, which the command keeps; `procCgroup`: the text of /proc/self/cgroup.
 */
export function intoManager({ uid, procCgroup, runtime }: Manager & { readonly procCgroup: string; readonly runtime: string | undefined }): readonly string[] {
  if (uid === 0 || unitOfProcess(procCgroup)?.user === true) return [];
  const back = runtime === undefined || runtime === userRuntime(uid) ? [] : ["env", `XDG_RUNTIME_DIR=${runtime}`];
  return ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--", ...back];
}
