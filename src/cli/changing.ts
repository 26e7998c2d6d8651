/** What the commands that change services share: opening the engine, showing progress, finding services. */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fail } from "../base/errors.ts";
import { openEngine, type Engine, type EngineOptions } from "../service/engine.ts";
import type { ServiceProgress } from "../service/service.ts";
import { serviceName, serviceNameOf, type ServiceName } from "../spec/spec.ts";
import { canMakeCgroup } from "../runtime/cgroupTree.ts";
import { cgroupHost, directoriesOf, ownCgroup } from "../runtime/cgroup.ts";
import type { PodRecord } from "../state/state.ts";
import { type ProcessUnit, unitOfProcess } from "../systemd/host.ts";
import { isManaged, scopeOf } from "../systemd/scope.ts";
import type { Context } from "./context.ts";
import type { WaitingPod } from "../supervisor/protocol.ts";
import { printable } from "./failure.ts";
import { gatherHost } from "./doctor/gather.ts";
import { requireCgroups } from "./doctor/lacks.ts";
import { didYouMean } from "./suggest.ts";

/** The engine for a command that changes things; end it with `using`. */
export function changing(context: Context, begun: Pick<EngineOptions, "thread"> = {}): Engine {
  return openEngine({ paths: context.paths, now: () => context.now(), imageEnvironment: context.imageEnvironment, ...begun });
}

/** A line of progress per event on stderr; nothing when `quiet`. */
export function progressWriter(context: Context, quiet: boolean): (progress: ServiceProgress) => void {
  if (quiet) return () => {};
  const dim = (text: string): string => (context.colour ? `\x1b[2m${text}\x1b[0m` : text);
  return ({ pod, container, what }) => {
    const where = [pod === undefined ? [] : `pod/${pod}`, container ?? []].flat().join(" ");
    void context.stderr.write(`${dim(`${where} ${what}`.trim())}\n`);
  };
}

/** A warning on stderr for every pod that is not ready, and that nobody waits for. */
export function waitingWriter(context: Context): (pod: WaitingPod) => void {
  const label = context.colour ? "\x1b[33mWarning:\x1b[0m" : "Warning:";
  return ({ namespace, pod, container, reason, message }) => {
    const describe = `wherry describe pod ${pod}${namespace === "default" ? "" : ` -n ${namespace}`}`;
    void context.stderr.write(`${label} pod "${pod}" is not ready: container "${container}" waits: ${reason}: ${printable(message)}; it is tried again, "${describe}" shows it\n`);
  };
}

/** Environment of a supervisor, as far as the command's own surroundings give it. */
export function supervisorEnv(context: Context): Readonly<Record<string, string>> {
  return {
    ...context.imageEnvironment,
    ...(context.notifySocket === undefined ? {} : { NOTIFY_SOCKET: context.notifySocket }),
    ...(context.watchdogUsec === undefined ? {} : { WATCHDOG_USEC: String(context.watchdogUsec) }),
  };
}

/** The unit of `--unit`, which must be the one that runs this command. Two managers may have units of one name: the cgroup tells them apart. */
export function runningUnit(name: string): ProcessUnit {
  const found = unitOfProcess(readFileSync("/proc/self/cgroup", "utf8"));
  if (found?.unit === name) return found;
  fail("usage", `Cannot act for unit "${name}": this process belongs to ${found === undefined ? "no unit" : `"${found.unit}"`}`);
}

/**
 * The base cgroup of a service that is played by hand: a new scope of the system's or the user's manager, which hands it
 * over on v2; without one, a directory of our own. A service whose scope has ended has it again: its pods are recorded there. Kind `unavailable` for an ordinary user without a manager.
 */
export function handCgroup({ uid }: Pick<Context, "uid">, service: ServiceName, { host: { state } }: Engine): string {
  if (cgroupHost().version === "v2" && isManaged({ uid })) return formerScope(state.pods({ service })) ?? scopeOf(service, { uid, tag: crypto.getRandomValues(Buffer.alloc(3)).toString("hex") }).cgroup;
  if (uid === 0) return `/wherry/${service}`;
  const own = `${ownCgroup().replace(/^\/$/, "")}/wherry/${service}`;
  if (canMakeCgroup(own)) return own;
  requireCgroups({ ...gatherHost(uid), userManager: isManaged({ uid }) });
  return fail("unavailable", `Cannot play "${service}": user ${uid} may not make cgroups here, the user's service manager should hand one over`, { code: "ENOCGROUP" });
}

/** The scope that pods were made in and that does not exist any more. One that does may still hold what lives of them. */
function formerScope(pods: readonly PodRecord[]): string | undefined {
  const scopes = new Set(pods.map(({ cgroup }) => dirname(cgroup)).filter((cgroup) => cgroup.endsWith(".scope")));
  return [...scopes].find((cgroup) => !directoriesOf(cgroup).some((directory) => existsSync(directory)));
}

/**
 * The service that a word of the command line means: its name, or a file it was played from. A file that never was
 * played means the name that playing it would give. Fails with kind `notFound` for a name that nothing has.
 */
export function serviceOf(engine: Engine, context: Context, word: string): ServiceName {
  const known = knownServices(engine);
  const byName = known.find((name) => name === word);
  if (byName !== undefined) return byName;
  const derived = word === "-" ? serviceName("stdin") : looksLikeFile(word) ? serviceNameOf(word) : undefined;
  const byFile = playedFrom(engine, absolute(context, word));
  const only = byFile.find((name) => name === derived) ?? byFile[0];
  if (only !== undefined && (only === derived || byFile.length === 1)) return only;
  if (only !== undefined) fail("usage", `Cannot tell which service "${word}" means: ${byFile.join(", ")} were played from it, name one of them`);
  if (derived !== undefined) return derived;
  fail("notFound", `Cannot find service "${word}": it has not been played`, didYouMean(word, known));
}

/** The services that were played from this file, and from others perhaps. */
const playedFrom = ({ durable }: Engine, path: string): readonly ServiceName[] => durable.services().filter(({ files }) => files.includes(path)).map(({ name }) => name);

/** Every service that anything is recorded of. */
export function knownServices({ durable, host: { state } }: Engine): readonly ServiceName[] {
  return [...new Set([...durable.services().map(({ name }) => name), ...state.runs().map(({ service }) => service), ...state.pods().map(({ service }) => service)])];
}

const looksLikeFile = (word: string): boolean => word.includes("/") || /\.(ya?ml|json)$/i.test(word);

/** An absolute path, from the directory the command was started in. */
export const absolute = (context: Context, path: string): string => (path.startsWith("/") ? path : `${context.cwd}/${path.replace(/^\.\//, "")}`);

