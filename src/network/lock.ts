/**
 * The lock that keeps the changes of a bridge apart, among all processes (flock(2)). Waiting never blocks the event
 * loop. Commands run under the lock inherit it, so that one that is still at work when its starter has been killed goes
 * on holding it.
 */
import { CLEAN_ENV, type ExecResult } from "../base/exec.ts";
import { fail, messageOf } from "../base/errors.ts";
import { acquireWithin } from "../base/locks.ts";

export interface RunOptions {
  readonly stdin: string;
  /** Milliseconds until it is killed. */
  readonly timeout: number;
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
  const lock = await acquireWithin(path, options) ?? fail("timeout", `Cannot lock "${path}": others hold it for more than ${options.timeout} ms`, { context: { path } });
  return { run: (argv, how) => runWith(lock.fd, argv, how), [Symbol.dispose]: () => lock[Symbol.dispose]() };
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
      env: { ...CLEAN_ENV },
      stdio: [Buffer.from(options.stdin), "pipe", "pipe", fd],
      timeout: options.timeout,
      killSignal: "SIGKILL",
    });
  } catch (cause) {
    fail("unavailable", `Cannot run "${argv[0]}": ${messageOf(cause)}`, { cause, hint: `install the package that provides "${argv[0]}"`, context: { argv } });
  }
}
