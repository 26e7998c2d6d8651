/**
 * The service container: first to start, last to go. Its payload is the supervisor, its conmon the unit's main
 * process. Recorded (`ServiceRun`) before it is made and forgotten after it is gone. Callers hold the service's lock.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ensureDirectory, removeTree } from "../base/files.ts";
import { serviceBundle, serviceDirectory, serviceLog } from "../base/paths.ts";
import { serviceContainerConfig } from "../container/service.ts";
import { killCgroup } from "../runtime/cgroupProcesses.ts";
import { directoriesOf } from "../runtime/cgroup.ts";
import { ensureBase, enterCgroup, handDownTo, removeCgroup, removeIfEmpty, removeScope } from "../runtime/cgroupTree.ts";
import { ownCapabilities } from "../runtime/rlimits.ts";
import type { CreateRequest, Launcher } from "../runtime/runtime.ts";
import { ROOTLESS_VARIABLE } from "../rootless/rootless.ts";
import { newContainerId, type ServiceName } from "../spec/spec.ts";
import type { ServiceRun } from "../state/state.ts";
import { type ProcessUnit, unitOfPath } from "../systemd/host.ts";
import { scopeArgv } from "../systemd/scope.ts";
import type { Engine } from "./engine.ts";

export interface LaunchOptions {
  /** cgroup path of the service's base: the unit's own, or `/wherry/<service>` */
  readonly cgroup: string;
  /** Name of the unit, or empty. */
  readonly unit: string;
  /** Environment of the supervisor beyond the paths: NOTIFY_SOCKET, WATCHDOG_USEC. */
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the service container; its supervisor starts with `startServiceContainer`. */
export async function createServiceContainer(engine: Engine, service: ServiceName, options: LaunchOptions): Promise<ServiceRun> {
  const { host, paths } = engine;
  await removeServiceContainer(engine, service);
  const run: ServiceRun = {
    service,
    id: newContainerId(),
    bundle: serviceBundle(paths, service),
    monitorPid: 0,
    cgroup: options.cgroup,
    unit: options.unit,
    startedAt: host.now(),
    readyAt: 0,
    phase: "starting",
    status: "starting",
    exitCode: 0,
  };
  host.state.putRun(run);
  let back = (): void => {};
  try {
    ensureDirectory(serviceDirectory(paths, service));
    const scope = scopeOfCgroup(options);
    if (scope === undefined) {
      ensureBase(options.cgroup);
      back = enterCgroup(`${options.cgroup}/wherry`); // what is started from here on is born there
    }
    const { monitorPid } = await host.runtime.create({ ...createRequest(engine, run, options.env), ...(scope === undefined ? {} : { launcher: launcher(engine, scope) }) });
    if (scope !== undefined) handDownTo(options.cgroup);
    host.state.updateRun(service, { monitorPid });
    if (options.unit === "") back();
    return { ...run, monitorPid };
  } catch (thrown) {
    back();
    await removeServiceContainer(engine, service);
    throw thrown;
  }
}

/** The scope that the service container is to make, when it is played by hand and there is a manager. */
const scopeOfCgroup = ({ cgroup, unit }: LaunchOptions): ProcessUnit | undefined => (unit === "" && cgroup.endsWith(".scope") ? unitOfPath(cgroup) : undefined);

/** The monitor begins in the scope's leaf `wherry`, as it does in a unit's. */
function launcher({ paths }: Engine, scope: ProcessUnit): Launcher {
  const [leaf = ""] = directoriesOf(`${scope.cgroup}/wherry`);
  return { ...scopeArgv(scope, { uid: paths.rootless?.uid ?? 0, leaf }), arrived: () => mkdirSync(leaf) };
}

function createRequest(engine: Engine, { id, bundle, service, cgroup }: ServiceRun, env: LaunchOptions["env"]): CreateRequest {
  const { host, paths } = engine;
  return {
    id,
    bundle,
    config: serviceContainerConfig({ args: [...paths.self, "supervise", service], env: supervisorEnv(engine, env), cgroupsPath: `${cgroup}/service`, capabilities: ownCapabilities() }),
    logPath: serviceLog(paths, service),
    logSizeMax: 1024 * 1024,
    journal: host.journal,
    name: `${service}-service`,
    tag: service,
    labels: { WHERRY_SERVICE: service },
  };
}

/** A supervisor waits most of its life: machine code for what runs once would only take memory (docs/performance.md). */
const SMALL = { BUN_JSC_useDFGJIT: "0", BUN_JSC_useBaselineJIT: "0" };

function supervisorEnv({ paths }: Engine, more: Readonly<Record<string, string>>): readonly string[] {
  const env = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    WHERRY_ROOT: paths.durable,
    WHERRY_RUNROOT: paths.runtime,
    WHERRY_LOGS: paths.logs,
    ...(paths.rootless === undefined ? {} : { [ROOTLESS_VARIABLE]: String(paths.rootless.uid) }),
    ...SMALL,
    ...more,
  };
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** Milliseconds from a supervisor's recorded end to that of its process, at the most. */
const ENDING = 5_000;

/** Takes the service container and everything that belongs to it away; what is gone already is success. Pods are not looked at. */
export async function removeServiceContainer(engine: Engine, service: ServiceName): Promise<void> {
  const { host, paths } = engine;
  const run = host.state.run(service);
  if (run !== undefined) {
    // A supervisor that has recorded its end is about to go: killed now, its monitor would report 137 to the unit.
    if (run.phase === "ended") await host.runtime.ended(run.bundle, { signal: AbortSignal.timeout(ENDING) });
    await host.runtime.remove(run.id, run.bundle);
    await killCgroup(`${run.cgroup}/service`);
    await removeCgroup(`${run.cgroup}/service`);
    if (run.unit === "" && host.state.pods({ service }).length === 0) await removeHandCgroup(run.cgroup);
  }
  await removeTree(serviceDirectory(paths, service));
  host.state.removeRun(service);
}

/** The base cgroup of a service that was played by hand, and with the last of them what holds them all. */
async function removeHandCgroup(cgroup: string): Promise<void> {
  if (cgroup.endsWith(".scope")) return await removeScope(cgroup); // the slice around it is the manager's
  await removeCgroup(cgroup);
  removeIfEmpty(dirname(cgroup));
}
