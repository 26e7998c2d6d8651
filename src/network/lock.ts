/**
 * The lock that keeps the changes of a bridge apart, among all processes (flock(2)). Waiting never blocks the event
 * loop: it is done by flock(1) on the same open file. Commands run under the lock inherit it, so that one that is still
 * at work when its starter has been killed goes on holding it.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { CLEAN_ENV, type ExecResult } from "../base/exec.ts";
import { fail, messageOf } from "../base/errors.ts";
import { flock } from "../base/libc.ts";

export interface RunOptions {
  readonly stdin: string;
  /** Milliseconds until it is killed. */
  readonly timeout: number;
  /** Beside `CLEAN_ENV`. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface SharedLock extends Disposable {
  /** Runs a command that holds the lock too. Kinds `unavailable` and `timeout`; its exit status is the caller's to judge. */
  run(argv: readonly string[], options: RunOptions): Promise<ExecResult>;
}

interface LockOptions {
  readonly shared: boolean;
  readonly timeout: number;
}

/**
 * Takes the lock, exclusive or shared. Kind `timeout` when it is not free after `timeout` ms. Everyone passes a second
 * lock on the way in, and who waits for the exclusive one stays in it: a stream of sharers cannot keep it out.
 */
export async function takeLock(path: string, options: LockOptions): Promise<SharedLock> {
  using _turn = await take(`${path}.turn`, options);
  return await take(path, options);
}

async function take(path: string, options: LockOptions): Promise<SharedLock> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "a", 0o600);
  try {
    if (!flock(fd, { wait: false, shared: options.shared })) await waitFor(fd, path, options);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  return { run: (argv, how) => runWith(fd, argv, how), [Symbol.dispose]: () => closeSync(fd) };
}

async function waitFor(fd: number, path: string, options: LockOptions): Promise<void> {
  const argv = ["flock", options.shared ? "--shared" : "--exclusive", "--timeout", String(options.timeout / 1000), "3"];
  const { status } = await runWith(fd, argv, { stdin: "", timeout: options.timeout + 1000 });
  if (status !== 0) fail("timeout", `Cannot lock "${path}": others hold it for more than ${options.timeout} ms`, { context: { path } });
}

async function runWith(fd: number, argv: readonly string[], options: RunOptions): Promise<ExecResult> {
  const child = launch(fd, argv, options);
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (child.signalCode !== null && child.killed) fail("timeout", `Cannot run "${argv.join(" ")}": no end after ${options.timeout} ms`, { context: { argv, stderr } });
  return { status: child.exitCode ?? 128, stdout, stderr };
}

function launch(fd: number, argv: readonly string[], options: RunOptions) {
  try {
    return Bun.spawn([...argv], {
      env: { ...CLEAN_ENV, ...options.environment },
      stdio: [Buffer.from(options.stdin), "pipe", "pipe", fd],
      timeout: options.timeout,
      killSignal: "SIGKILL",
    });
  } catch (cause) {
    fail("unavailable", `Cannot run "${argv[0]}": ${messageOf(cause)}`, { cause, hint: `install the package that provides "${argv[0]}"`, context: { argv } });
  }
}
