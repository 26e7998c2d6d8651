/** The `Runtime` that stands on conmon and crun or runc. */
import { availableParallelism } from "node:os";
import { existsSync, rmSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fail, messageOf, WherryError } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { ensureDirectory, readIfExists, writeAtomically } from "../base/files.ts";
import { semaphore } from "../base/semaphore.ts";
import { attachTo } from "./attach.ts";
import { cgroupOfBundle, clearBundle, lifeFifo, makeBundle, monitorErrors, readConfig, readExit } from "./bundle.ts";
import { checkedPath } from "./cgroup.ts";
import { isFrozen, killCgroup, killRound, signalCgroup } from "./cgroupProcesses.ts";
import { removeCgroup } from "./cgroupTree.ts";
import { chooseRuntime, pathOf } from "./chooseRuntime.ts";
import { execIn } from "./execIn.ts";
import { runIn } from "./runIn.ts";
import { keepFilter, withFilter } from "./filters.ts";
import { spareHostMounts } from "./hostMounts.ts";
import { at, numberAt, parseJson, textAt } from "./json.ts";
import { LEARNED } from "./learned.ts";
import { sentenceOf } from "./messages.ts";
import { endMakers, monitorArgv, monitorEnd, monitorOf, type MonitorParts, startMonitor } from "./monitor.ts";
import { signalProcess } from "./process.ts";
import { isAlive, letGo, listRecords, readRecord, recordDirectory, removeRecord, type RuntimeRecord } from "./record.ts";
import { fitMappings, giveStreams } from "./users.ts";
import type { Created, CreateRequest, Observed, Runtime } from "./runtime.ts";

export interface RuntimeOptions {
  /** State of the OCI runtime (`--root`). On tmpfs. */
  readonly root: string;
  /** `crun`, `runc` or a path; chosen by `chooseRuntime` when absent. */
  readonly runtimeBinary?: string;
  readonly conmonBinary?: string;
}

/** Milliseconds that a monitor has to create its container. */
const CREATE_DEADLINE = 30_000;
/** Milliseconds that a monitor has to record the exit of a process that was killed. */
const MONITOR_GRACE = 10_000;
/** Creating is work for the processor; more at once than this only makes all of them late. */
const PARALLEL = 4 * availableParallelism();

interface Driver {
  readonly root: string;
  name(): string;
  parts(): Promise<MonitorParts>;
  /** `[binary, "--root", root]` for the runtime that wrote the record. */
  command(kind: RuntimeRecord["kind"]): Promise<readonly string[]>;
}

/** Opens nothing and starts nothing; `root` is made by the first `create`. */
export function ociRuntime(options: RuntimeOptions): Runtime {
  const driver = makeDriver(options);
  // Two queues: who has been created is not kept waiting by who has not.
  const creates = semaphore(PARALLEL);
  const starts = semaphore(PARALLEL);
  return {
    get name() {
      return driver.name();
    },
    create: (request) => creates.run(() => create(driver, request)),
    start: (id) => starts.run(() => start(driver, id)),
    async kill(id, signal, { all = false } = {}) {
      const record = readRecord(driver.root, id);
      if (record === undefined || record === "partial") return false;
      if (all) return record.cgroup !== undefined && signalCgroup(checkedPath(record.cgroup), signal);
      return signalProcess(record.pid, signal, () => isAlive(record));
    },
    async ended(bundle, { signal } = {}) {
      return (await monitorEnd(bundle, signal)) ? readExit(bundle) : undefined;
    },
    remove: (id, bundle) => remove(driver, id, bundle),
    observe: async (id, bundle) => observe(driver.root, id, bundle),
    list: async () => listRecords(driver.root),
    async attach(id, bundle) {
      const record = readRecord(driver.root, id);
      if (record === undefined || record === "partial" || record.created || !isAlive(record)) fail("notFound", `Cannot attach to container "${id}": it is not running`);
      return attachTo(bundle);
    },
    async exec(id, request) {
      const record = runningRecord(driver, id);
      return execIn(await driver.command(record.kind), { ...record, id }, request);
    },
    async run(id, request) {
      const record = runningRecord(driver, id);
      return runIn(await driver.command(record.kind), { id, bundle: record.bundle }, request);
    },
  };
}

function runningRecord({ root }: Driver, id: string): RuntimeRecord {
  const record = readRecord(root, id);
  if (record === undefined || record === "partial" || !isAlive(record)) fail("notFound", `Cannot run a process in container "${id}": it is not running`);
  return record;
}

function makeDriver({ root, runtimeBinary, conmonBinary }: RuntimeOptions): Driver {
  let parts: Promise<MonitorParts> | undefined;
  let chosen = runtimeBinary ?? "crun";
  let name: string | undefined;
  const find = async (): Promise<MonitorParts> => {
    const conmon = pathOf(conmonBinary ?? "conmon") ?? fail("unavailable", 'Cannot find "conmon": it is not installed', { hint: 'install the package "conmon"' });
    const runtime = await chooseRuntime({ root, ...(runtimeBinary === undefined ? {} : { wanted: runtimeBinary }) });
    chosen = runtime;
    return { conmon, runtime, root, labels: await hasLabels(conmon, root) };
  };
  const found = (): Promise<MonitorParts> => {
    parts ??= find();
    return parts;
  };
  return {
    root,
    name() {
      name ??= versionOf(chosen);
      return name;
    },
    parts: found,
    async command(kind) {
      const { runtime } = await found();
      const other = kind === "crun" ? "runc" : "crun";
      const binary = basename(runtime) === other ? (pathOf(kind) ?? fail("unavailable", `Cannot find "${kind}", which made the container: it is not installed`)) : runtime;
      return [binary, "--root", root];
    },
  };
}

/** conmon takes `--log-label` since 2.2. Asked once, and again when the program has changed. */
async function hasLabels(conmon: string, root: string): Promise<boolean> {
  const remembered = `${root}/${LEARNED.conmonLabels}`;
  const version = `${conmon} ${statSync(conmon).mtimeMs}`;
  const known = readIfExists(remembered)?.split("\n") ?? [];
  if (known[0] === version) return known[1] === "yes";
  const { stdout } = await exec([conmon, "--help"], { allowFailure: true, timeout: 5_000 });
  const labels = stdout.includes("--log-label");
  ensureDirectory(root);
  writeAtomically(remembered, `${version}\n${labels ? "yes" : "no"}`, { durable: false });
  return labels;
}

function versionOf(binary: string): string {
  const path = pathOf(binary);
  const line = path === undefined ? binary : Bun.spawnSync([path, "--version"]).stdout.toString().split("\n")[0];
  return (line ?? binary).replace(" version", "");
}

async function create(driver: Driver, request: CreateRequest): Promise<Created> {
  const { id, bundle, signal } = request;
  checkedPath(request.config.linux.cgroupsPath);
  const deadline = AbortSignal.timeout(CREATE_DEADLINE);
  const parts = await driver.parts();
  if (existsSync(lifeFifo(bundle))) {
    await remove(driver, id, bundle);
    clearBundle(bundle, { whole: false });
  }
  const isNew = !existsSync(bundle);
  try {
    ensureDirectory(driver.root);
    ensureDirectory(dirname(request.logPath), 0o750);
    makeBundle(bundle, withFilter(fitMappings(spareHostMounts(request.config, bundle), parts), parts));
    const line = await startMonitor(monitorArgv(request, parts), request, signal === undefined ? deadline : AbortSignal.any([deadline, signal]));
    const pid = pidOf(line, bundle);
    giveStreams(pid, request.config);
    keepFilter(request.config, parts, id);
    return { pid, monitorPid: monitorOf(id, bundle) ?? 0 };
  } catch (thrown) {
    await remove(driver, id, bundle);
    clearBundle(bundle, { whole: isNew });
    removeEmpty(request.logPath);
    if (deadline.aborted) fail("timeout", `Cannot create container "${id}": no answer from its monitor after ${CREATE_DEADLINE} ms`, { cause: thrown });
    if (thrown instanceof WherryError && thrown.kind === "unavailable") throw thrown;
    fail("failed", `Cannot create container "${id}": ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** The pid in the monitor's report; a plain error with the sentence in it when the container was not created. */
function pidOf(line: string, bundle: string): number {
  const report = parseJson(line);
  const pid = numberAt(report, "data") ?? -1;
  if (pid > 0) return pid;
  const said = sentenceOf(textAt(report, "message") ?? line) || sentenceOf(readIfExists(monitorErrors(bundle)) ?? "");
  throw new Error(said || "the monitor ended without saying why");
}

function removeEmpty(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size === 0) rmSync(file, { force: true });
}

async function start(driver: Driver, id: string): Promise<void> {
  const record = readRecord(driver.root, id);
  if (record === undefined || record === "partial") fail("notFound", `Cannot start container "${id}": it does not exist`);
  if (record.kind === "crun" && at(readConfig(record.bundle), "hooks", "poststart") === undefined && letGo(driver.root, id)) return;
  const result = await exec([...(await driver.command(record.kind)), "start", id], { allowFailure: true, timeout: CREATE_DEADLINE });
  if (result.status !== 0) fail("failed", `Cannot start container "${id}": ${sentenceOf(result.stderr)}`, { context: { stderr: result.stderr } });
}

function observe(root: string, id: string, bundle: string): Observed {
  const monitorPid = monitorOf(id, bundle) ?? 0;
  const monitor = { monitored: monitorPid !== 0, monitorPid };
  const record = readRecord(root, id);
  if (record === undefined) return { status: "absent", pid: 0, ...monitor };
  if (record === "partial") return { status: "creating", pid: 0, ...monitor };
  if (!isAlive(record)) return { status: "stopped", pid: 0, ...monitor };
  const frozen = record.cgroup !== undefined && isFrozen(record.cgroup);
  return { status: record.created ? "created" : frozen ? "paused" : "running", pid: record.pid, ...monitor };
}

/**
 * What is still being made is ended first, so that nothing new comes; a payload that runs is killed before its monitor,
 * so that the monitor records the exit and ends by itself. Then the cgroup, the record and the cgroup's directories.
 */
async function remove(driver: Driver, id: string, bundle: string): Promise<void> {
  const directory = recordDirectory(driver.root, id);
  const first = readRecord(driver.root, id);
  const making = first === undefined || first === "partial" || first.created;
  if (making) await endMakers(id, bundle, directory);
  const record = making ? readRecord(driver.root, id) : first;
  const whole = record === "partial" ? undefined : record;
  const cgroup = whole?.cgroup ?? cgroupOfBundle(bundle);

  if (whole !== undefined) signalProcess(whole.pid, "SIGKILL", () => isAlive(whole));
  if (cgroup !== undefined) killRound(cgroup);
  if (!(await monitorEnd(bundle, AbortSignal.timeout(MONITOR_GRACE)))) await endMakers(id, bundle, directory);
  if (cgroup !== undefined) await killCgroup(cgroup);
  if (whole !== undefined) await exec([...(await driver.command(whole.kind)), "delete", "--force", id], { allowFailure: true, timeout: CREATE_DEADLINE });
  removeRecord(driver.root, id);
  if (cgroup !== undefined) await removeCgroup(cgroup);
}
