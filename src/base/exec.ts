/** Runs outside commands: by argv, never through a shell; always with a deadline; the error carries pasteable text. */
import { fail, WherryError } from "./errors.ts";

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
  /** Milliseconds until the command is killed; 60 s when absent. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Return the result instead of failing when the exit status is not 0. */
  readonly allowFailure?: boolean;
}

export interface ExecResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment that outside commands get; nothing else of ours (never `NOTIFY_SOCKET`) leaks into them. */
export const CLEAN_ENV: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C.UTF-8",
};

/** Runs `argv` to its end. Fails with kind `unavailable` (not installed), `timeout`, or `failed` (status not 0). */
export async function exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const timeout = options.timeout ?? 60_000;
  const begun = performance.now();
  const child = launch(argv, options, timeout);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.signalCode === "SIGKILL" && performance.now() - begun >= timeout) {
    fail("timeout", `Cannot run "${pasteable(argv)}": no end after ${timeout} ms`, { context: { argv, stderr } });
  }
  if (child.signalCode !== null && options.allowFailure !== true) {
    fail("failed", `Cannot run "${pasteable(argv)}": ended by ${child.signalCode}`, { context: { argv, signal: child.signalCode, stderr } });
  }
  if (status !== 0 && options.allowFailure !== true) {
    fail("failed", `Cannot run "${pasteable(argv)}": exit status ${status}: ${lastLine(stderr) || lastLine(stdout)}`, {
      context: { argv, status, stderr },
    });
  }
  return { status, stdout, stderr };
}

function launch(argv: readonly string[], options: ExecOptions, timeout: number) {
  try {
    return Bun.spawn([...argv], {
      env: { ...CLEAN_ENV, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
      stdout: "pipe",
      stderr: "pipe",
      timeout,
      killSignal: "SIGKILL",
    });
  } catch (cause) {
    fail("unavailable", `Cannot run "${argv[0]}": it is not installed or not executable`, {
      cause,
      hint: `install the package that provides "${argv[0]}"`,
      context: { argv },
    });
  }
}

/** As `exec`, for what takes a few milliseconds and is needed at once: everything else waits. Returns stdout. */
export function execNow(argv: readonly string[], options: { readonly stdin: string; readonly timeout: number }): string {
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { env: { ...CLEAN_ENV }, stdin: Buffer.from(options.stdin), stdout: "pipe", stderr: "pipe", timeout: options.timeout, killSignal: "SIGKILL" });
    if (exitCode === 0) return stdout.toString();
    return fail("failed", `Cannot run "${pasteable(argv)}": exit status ${exitCode}: ${lastLine(stderr.toString())}`, { context: { argv } });
  } catch (cause) {
    if (cause instanceof WherryError) throw cause;
    return fail("unavailable", `Cannot run "${argv[0]}": it is not installed or not executable`, { cause, context: { argv } });
  }
}

/** The argv as a line that can be pasted into a POSIX shell. */
export function pasteable(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
