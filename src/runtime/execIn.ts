/** A further process in a running container: `crun exec`, `runc exec`. */
import { rmSync, writeFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { readConfig } from "./bundle.ts";
import { tied } from "./chooseRuntime.ts";
import { atTerminal } from "./execTerminal.ts";
import { at } from "./json.ts";
import type { RuntimeRecord } from "./record.ts";
import type { CallersTerminal, ExecRequest } from "./runtime.ts";
import { raisingLimits } from "./users.ts";

export interface RunningContainer extends Pick<RuntimeRecord, "kind" | "bundle"> {
  readonly id: string;
}

let count = 0;

/**
 * Runs the process with the caller's own stdin (when interactive), stdout and stderr; with `terminal` it has a
 * pseudo-terminal that is coupled to the caller's. Returns the exit status; 128 + signal when a signal ended it; 127
 * when the program is not there and 126 when it cannot be executed, as a shell says it.
 *
 * When this process is killed, the kernel sends SIGTERM to the runtime's client, which passes it on to the process in
 * the container: nothing goes on unattended, unless it ignores SIGTERM.
 */
export async function execIn(command: readonly string[], { id, bundle, kind }: RunningContainer, request: ExecRequest): Promise<number> {
  count += 1;
  const name = `exec-${process.pid}-${count}`;
  const [file, log] = [`${bundle}/${name}.json`, `${bundle}/${name}-log.json`];
  const config = readConfig(bundle);
  writeFileSync(file, JSON.stringify(execProcess(at(config, "process"), request)), { mode: 0o600 });
  const begin = (options: readonly string[], stdio: [Stdio, Stdio, "inherit"]): Bun.Subprocess => Bun.spawn([...tied(), ...raisingLimits(config), ...command, "--log", log, "exec", ...options, "--process", file, id], { stdio, env: CLEAN_ENV });
  const execute = (): Promise<number> => {
    if (request.terminal === undefined) return begin([], [request.interactive ? "inherit" : "ignore", "inherit", "inherit"]).exited;
    if (kind === "runc") return begin(["--tty"], ["inherit", "inherit", "inherit"]).exited;
    return atTerminal({ path: `${bundle}/${name}.sock`, terminal: request.terminal, start: (options) => begin(options, ["ignore", "ignore", "inherit"]) });
  };
  try {
    const status = await execute();
    return status === REFUSED ? refusal(readIfExists(log) ?? "") : status;
  } finally {
    for (const each of [file, log]) rmSync(each, { force: true });
  }
}

type Stdio = "inherit" | "ignore";

/** How crun and runc end when they could not start the process; why is in their log, which nothing else writes to. */
const REFUSED = 255;

/** The status that a shell gives for what the runtime has logged. */
export function refusal(log: string): number {
  if (/not found|no such file/i.test(log)) return 127;
  return /permission denied|not permitted|not executable|exec format|is a directory/i.test(log) ? 126 : REFUSED;
}

/** As OCI has it; without, a process could ask for the size before it is set. */
function sizeOf(terminal: CallersTerminal | undefined): { readonly consoleSize?: { readonly height: number; readonly width: number } } {
  const size = terminal?.size();
  return size === undefined ? {} : { consoleSize: { height: size.rows, width: size.columns } };
}

/** The container's own process with the request's words over it; of two variables of one name the later wins. */
export function execProcess(process: unknown, request: ExecRequest): Readonly<Record<string, unknown>> {
  if (typeof process !== "object" || process === null) return fail("notFound", "Cannot run a process in the container: it has no configuration");
  const own: Readonly<Record<string, unknown>> = { ...process };
  const inherited = Array.isArray(own["env"]) ? own["env"].map(String) : [];
  const env = new Map([...inherited, ...request.env].map((entry) => [entry.split("=")[0] ?? "", entry]));
  return {
    ...own,
    args: request.args,
    env: [...env.values()],
    cwd: request.cwd === "" ? own["cwd"] : request.cwd,
    terminal: request.terminal !== undefined,
    ...sizeOf(request.terminal),
    ...(request.user === undefined ? {} : { user: request.user }),
  };
}
