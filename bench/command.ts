/** Running the commands that are measured. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { CLEAN_ENV, exec, pasteable } from "../src/base/exec.ts";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** File that the command reads. */
  readonly stdin?: string;
  /** Milliseconds; ten minutes: Podman takes three to take fifty pods down. */
  readonly timeout?: number;
}

/** Runs commands to their end. */
export type Run = (argv: readonly string[], options?: RunOptions) => Promise<void>;

/**
 * Runs that write into one log file. Not into pipes: monitors that outlive the command inherit them, and would keep the
 * reader waiting. Fails with the log's last lines when a command does.
 */
export function runInto(log: string): Run {
  return async (argv, options = {}) => {
    const output = openSync(log, "a");
    const input = options.stdin === undefined ? undefined : openSync(options.stdin, "r");
    try {
      const child = Bun.spawn([...argv], {
        env: { ...CLEAN_ENV, HOME: "/root", ...options.env },
        cwd: "/",
        stdio: [input ?? "ignore", output, output],
        timeout: options.timeout ?? 600_000,
        killSignal: "SIGKILL",
      });
      const status = await child.exited;
      if (status !== 0) throw new Error(`"${pasteable(argv)}" ended with ${status}:\n${readFileSync(log, "utf8").split("\n").slice(-20).join("\n")}`);
    } finally {
      closeSync(output);
      if (input !== undefined) closeSync(input);
    }
  };
}

/** What a command says on stdout, trimmed; its first line only. */
export function firstLine(argv: readonly string[]): string {
  const { stdout } = Bun.spawnSync([...argv], { env: { ...CLEAN_ENV, HOME: "/root" }, stderr: "ignore" });
  return stdout.toString().trim().split("\n")[0] ?? "";
}

/** What a command says on stdout, which must succeed. */
export async function outputOf(argv: readonly string[]): Promise<string> {
  return (await exec(argv, { timeout: 600_000 })).stdout;
}

/** Lets the disk finish what went before, so that nobody pays for another. */
export async function settle(disk: string): Promise<void> {
  await exec(["sync", "--file-system", disk], { timeout: 600_000 });
}

/** Seconds that an action takes. */
export async function seconds(action: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}
