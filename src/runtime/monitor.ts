/**
 * conmon (its man page; `src/conmon.c`): starting one, waiting for its end, finding it.
 *
 * The life fifo is also conmon's sync pipe: that is the one inherited descriptor which conmon keeps from the runtime and
 * the payload (close-on-exec), and which it does not close before it has written the exit status. The first line that
 * comes out of the fifo is the outcome of `create`; nothing comes after it until end-of-file.
 */
import { closeSync, constants, openSync, readdirSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { whileNot, writersEnd } from "../base/fifos.ts";
import { readIfExists } from "../base/files.ts";
import { lifeFifo, monitorErrors, monitorPidFile } from "./bundle.ts";
import { commandLine, environment, signalProcess } from "./process.ts";
import type { CreateRequest, Launcher } from "./runtime.ts";

export interface MonitorParts {
  /** Absolute paths. */
  readonly conmon: string;
  readonly runtime: string;
  /** `--root` of the runtime. */
  readonly root: string;
  readonly labels: boolean;
}

const LIFE_DESCRIPTOR = 3;
/** Environment of a monitor, and of the runtime below it; the payload has its own. */
const MARK = "WHERRY_CONTAINER";

/** The argv of the monitor of one container. */
export function monitorArgv(request: CreateRequest, parts: MonitorParts): readonly string[] {
  const { id, bundle } = request;
  const journal = ["--log-path", "journald:", "--log-tag", request.tag];
  const labels = Object.entries(request.labels).flatMap(([key, value]) => ["--log-label", `${key}=${value}`]);
  return [
    parts.conmon, "--api-version", "1", "--cid", id, "--cuuid", id, "--name", request.name,
    "--runtime", parts.runtime, "--runtime-arg", "--root", "--runtime-arg", parts.root,
    "--bundle", bundle, "--persist-dir", bundle, "--container-pidfile", `${bundle}/pid`, "--conmon-pidfile", monitorPidFile(bundle),
    "--log-path", `k8s-file:${request.logPath}`, "--log-size-max", String(request.logSizeMax), "--no-sync-log",
    ...(request.journal ? journal : []),
    ...(request.journal && parts.labels ? labels : []),
    "--full-attach",
    ...(request.stdin === undefined ? [] : ["--stdin"]),
    ...(request.stdin === "open" ? ["--leave-stdin-open"] : []),
    ...(request.config.process.terminal ? ["--terminal"] : []),
  ];
}

/**
 * Starts a monitor, which creates the container, and returns the line it reports: JSON with the pid in `data`, or below
 * zero with `message`; empty when it ended without a word. The monitor leaves our session and lives on by itself.
 */
export async function startMonitor(argv: readonly string[], request: CreateRequest, signal: AbortSignal): Promise<string> {
  const life = openSync(lifeFifo(request.bundle), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // The process started here only forks the monitor, writes its pid file and ends.
    const ended = request.launcher === undefined ? spawnMonitor(argv, request, { env: {}, stdio: "ignore" }).exited : launched(argv, request, request.launcher);
    const [line] = await abortable(Promise.all([firstLine(life, signal), ended]), signal);
    return line;
  } finally {
    closeSync(life);
  }
}

/** A launcher that ends without a word has said why on stderr, where a monitor says it. */
async function launched(argv: readonly string[], request: CreateRequest, launcher: Launcher): Promise<number> {
  const child = spawnMonitor([...launcher.argv, ...argv], request, { env: launcher.env, stdio: "pipe" });
  const { done } = await child.stdout.getReader().read();
  if (done) return child.exited;
  launcher.arrived();
  child.stdin.write("\n");
  await child.stdin.end();
  return child.exited;
}

type Spawned<Stdio extends "ignore" | "pipe"> = { readonly env: Readonly<Record<string, string>>; readonly stdio: Stdio };

function spawnMonitor<Stdio extends "ignore" | "pipe">(argv: readonly string[], { id, bundle }: CreateRequest, { env, stdio }: Spawned<Stdio>): Bun.Subprocess<Stdio, Stdio, number> {
  const errors = openSync(monitorErrors(bundle), "w", 0o600);
  const life = openSync(lifeFifo(bundle), constants.O_WRONLY);
  try {
    return Bun.spawn([...argv], {
      cwd: bundle,
      env: { ...CLEAN_ENV, ...env, _OCI_SYNCPIPE: String(LIFE_DESCRIPTOR), [MARK]: id },
      stdio: [stdio, stdio, errors, life],
    });
  } catch (cause) {
    return fail("unavailable", `Cannot run "${argv[0]}": it is not installed or not executable`, { cause, hint: 'install the package "conmon"' });
  } finally {
    closeSync(life);
    closeSync(errors);
  }
}

/**
 * Resolves when no monitor holds the life fifo: at once when none does or there is no fifo. `false` when `signal` came
 * first.
 */
export const monitorEnd = (bundle: string, signal?: AbortSignal): Promise<boolean> => writersEnd(lifeFifo(bundle), signal);

/** pid of the living monitor of a container, by its pid file; undefined when there is none. */
export function monitorOf(id: string, bundle: string): number | undefined {
  const pid = Number(readIfExists(monitorPidFile(bundle)) ?? 0);
  return pid > 0 && isMonitor(pid, id) ? pid : undefined;
}

/**
 * Ends everything that makes the container, so that nothing new comes into being: the monitor, the runtime, and the
 * payload's process as long as it has not been started; also what was forked a moment ago. Returns when all are gone;
 * kind `failed` when they do not end within some seconds.
 *
 * They are known by their environment: `spawnMonitor` marks it, the runtime inherits it, and `runc init` has the
 * directory of its record in its own. A pause grows between two looks, because nothing tells when a process that is not
 * our child has ended.
 */
export async function endMakers(id: string, bundle: string, recordDirectory: string): Promise<void> {
  const marks = [`${MARK}=${id}`, `_LIBCONTAINER_STATEDIR=${recordDirectory}`];
  const isMaker = (pid: number): boolean => environment(pid).some((entry) => marks.includes(entry));
  for (let pause = 1; pause <= 2048; pause *= 2) {
    const makers = readdirSync("/proc").map(Number).filter((pid) => pid > 0 && isMaker(pid));
    for (const pid of makers) signalProcess(pid, "SIGKILL", () => isMaker(pid));
    if (makers.length === 0 && (await monitorEnd(bundle, AbortSignal.timeout(pause)))) return;
    await Bun.sleep(pause);
  }
  fail("failed", `Cannot end the monitor of container "${id}": it holds "${lifeFifo(bundle)}" open`);
}

function isMonitor(pid: number, id: string): boolean {
  const argv = commandLine(pid);
  return argv[argv.indexOf("--cid") + 1] === id && argv.includes("--conmon-pidfile");
}

async function firstLine(life: number, signal: AbortSignal): Promise<string> {
  const reader = Bun.file(life).stream().getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    await whileNot(signal, reader, async () => {
      while (!text.includes("\n")) {
        const { done, value } = await reader.read();
        if (done) return;
        text += decoder.decode(value, { stream: true });
      }
    });
    return text.split("\n")[0] ?? "";
  } finally {
    await reader.cancel();
  }
}

/** Fails with the signal's reason when it comes before the result. */
async function abortable<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
