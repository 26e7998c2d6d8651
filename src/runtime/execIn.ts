/** A further process in a running container: `crun exec`, `runc exec`. */
import { readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { readIfExists } from "../base/files.ts";
import { copyTerminalSize } from "../base/libc.ts";
import { readConfig } from "./bundle.ts";
import { pathOf } from "./chooseRuntime.ts";
import { at } from "./json.ts";
import type { ExecRequest } from "./runtime.ts";
import { raisingLimits } from "./users.ts";

let count = 0;

/**
 * Runs the process with the caller's own stdin (when interactive), stdout and stderr; with `terminal` the runtime makes a
 * pseudo-terminal and couples it to the caller's. Returns the exit status; 128 + signal when a signal ended it; 127 when
 * the program is not there and 126 when it cannot be executed, as a shell says it.
 *
 * When this process is killed, the kernel sends SIGTERM to the runtime's client, which passes it on to the process in
 * the container: nothing goes on unattended, unless it ignores SIGTERM.
 */
export async function execIn(command: readonly string[], { id, bundle }: { readonly id: string; readonly bundle: string }, request: ExecRequest): Promise<number> {
  count += 1;
  const file = `${bundle}/exec-${process.pid}-${count}.json`;
  const config = readConfig(bundle);
  writeFileSync(file, JSON.stringify(execProcess(at(config, "process"), request)), { mode: 0o600 });
  const log = `${bundle}/exec-${process.pid}-${count}-log.json`;
  const setpriv = pathOf("setpriv");
  const argv = [
    ...(setpriv === undefined ? [] : [setpriv, "--pdeathsig", "TERM", "--"]),
    ...raisingLimits(config), ...command, "--log", log, "exec", ...(request.terminal ? ["--tty"] : []), "--process", file, id,
  ];
  try {
    const stdin = request.interactive || request.terminal ? "inherit" : "ignore";
    const child = Bun.spawn(argv, { stdio: [stdin, "inherit", "inherit"], env: CLEAN_ENV });
    using _ = request.terminal ? resizing(child.pid) : undefined;
    const status = await child.exited;
    return status === REFUSED ? refusal(readIfExists(log) ?? "") : status;
  } finally {
    for (const each of [file, log]) rmSync(each, { force: true });
  }
}

/** How crun and runc end when they could not start the process; why is in their log, which nothing else writes to. */
const REFUSED = 255;

/** The status that a shell gives for what the runtime has logged. */
export function refusal(log: string): number {
  if (/not found|no such file/i.test(log)) return 127;
  return /permission denied|not permitted|not executable|exec format|is a directory/i.test(log) ? 126 : REFUSED;
}

/** Hands changes of our terminal's size on to the runtime's pseudo-terminal, which crun before 1.9 does not do. */
function resizing(pid: number): Disposable {
  const resize = (): void => {
    for (const fd of unless("ENOENT", () => readdirSync(`/proc/${pid}/fd`), [])) {
      if (unless("ENOENT", () => readlinkSync(`/proc/${pid}/fd/${fd}`), "").endsWith("ptmx")) copyTerminalSize(0, pid, Number(fd));
    }
  };
  process.on("SIGWINCH", resize);
  return { [Symbol.dispose]: () => void process.off("SIGWINCH", resize) };
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
    terminal: request.terminal,
    ...(request.user === undefined ? {} : { user: request.user }),
  };
}
