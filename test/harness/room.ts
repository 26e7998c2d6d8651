/**
 * The rooms that end-to-end tests run in (CONTRIBUTING.md): `plain`, without a service manager, and `box`, under a real
 * systemd. A test file opens its room by itself; the room ends with the file's last test, or with the test process.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { CLEAN_ENV, exec, type ExecResult, pasteable } from "../../src/base/exec.ts";
import type { Snapshot } from "./leaks.ts";

export const CHECKOUT = resolve(import.meta.dir, "../..");
/** The command under test. In the box it is found on PATH, where `make install` has put it. */
export const WHERRY = `${CHECKOUT}/dist/wherry`;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Milliseconds until the command is killed and the test fails; 30 s. */
  readonly timeout?: number;
}

/** A command that runs on. */
export interface Running {
  readonly pid: number;
  /** Everything said so far on stdout and stderr. */
  output(): string;
  /** Resolves with everything said when `pattern` has been said; rejects when the command ends, or after 30 s, without. */
  says(pattern: RegExp): Promise<string>;
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

export interface Room extends AsyncDisposable {
  readonly kind: "plain" | "box";
  /** Runs a command to its end, whatever its status. */
  run(argv: readonly string[], options?: RunOptions): Promise<ExecResult>;
  start(argv: readonly string[], options?: RunOptions): Running;
  wherry(words: readonly string[], options?: RunOptions): Promise<ExecResult>;
  /** As `wherry`; a status other than 0 is an error with everything the command said. Returns stdout. */
  ok(words: readonly string[], options?: RunOptions): Promise<string>;
  /** Makes a file with its directory. */
  write(path: string, text: string): Promise<void>;
  leaks(): Promise<Snapshot>;
  /** Box only: powers off and boots the same root again. */
  reboot(): Promise<void>;
}

/** The room, or one line on why it cannot be made here. */
export type Opened = { readonly room: Room } | { readonly missing: string };

/** "skipped" in the words of automake: what the room tools exit with where the room cannot be made. */
const SKIPPED = 77;
const ENVIRONMENT = { ...CLEAN_ENV, HOME: "/root", NO_COLOR: "1" };

export async function openPlainRoom(): Promise<Opened> {
  const keeper = Bun.spawn([`${CHECKOUT}/tools/room-plain`, "--ready", "cat"], { env: ENVIRONMENT, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const missing = await readiness(keeper);
  if (missing !== undefined) return { missing };
  // room-plain → unshare → process 1 of the room
  const inside = childOf(childOf(keeper.pid));
  return {
    room: room({
      kind: "plain",
      prefix: [`${CHECKOUT}/tools/room-plain`, "--enter", String(inside)],
      env: ENVIRONMENT,
      program: WHERRY,
      end: () => end(keeper),
    }),
  };
}

export async function openBox(): Promise<Opened> {
  const parent = mkdtempSync(`${tmpdir()}/wherry-box.`);
  const env = { ...ENVIRONMENT, WHERRY_BOX: `${parent}/box` };
  const keeper = Bun.spawn([`${CHECKOUT}/tools/room-box`, "hold"], { env, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const missing = await readiness(keeper);
  if (missing !== undefined) {
    rmSync(parent, { recursive: true, force: true });
    return { missing };
  }
  return {
    room: room({
      kind: "box",
      prefix: [`${CHECKOUT}/tools/room-box`, "run"],
      env,
      program: "wherry",
      reboot: async () => void (await exec([`${CHECKOUT}/tools/room-box`, "reboot"], { env, timeout: 120_000 })),
      end: async () => {
        await end(keeper);
        rmSync(parent, { recursive: true, force: true });
      },
    }),
  };
}

type Keeper = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** Undefined when the keeper has said "ready"; the reason when it may not be made; throws when it failed. */
async function readiness(keeper: Keeper): Promise<string | undefined> {
  const reader = keeper.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  if (value !== undefined && new TextDecoder().decode(value).includes("ready")) return undefined;
  const said = (await new Response(keeper.stderr).text()).trim();
  if ((await keeper.exited) === SKIPPED) return said.split("\n").at(-1) ?? "";
  throw new Error(`Cannot open the room: ${said}`);
}

async function end(keeper: Keeper): Promise<void> {
  await keeper.stdin.end();
  await keeper.exited;
}

function childOf(pid: number): number {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0];
  if (child === undefined || child === "") throw new Error(`Process ${pid} has no child`);
  return Number(child);
}

interface Entrance {
  readonly kind: Room["kind"];
  /** argv that goes before a command's own. */
  readonly prefix: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly program: string;
  readonly reboot?: () => Promise<void>;
  readonly end: () => Promise<void>;
}

function room(entrance: Entrance): Room {
  const line = (argv: readonly string[], env: RunOptions["env"]): string[] => {
    const settings = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
    return [...entrance.prefix, ...(settings.length === 0 ? [] : ["env", ...settings]), ...argv];
  };
  const run: Room["run"] = (argv, options = {}) =>
    exec(line(argv, options.env), {
      env: entrance.env,
      allowFailure: true,
      timeout: options.timeout ?? 30_000,
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    });
  const wherry: Room["wherry"] = (words, options) => run([entrance.program, ...words], options);
  return {
    kind: entrance.kind,
    run,
    wherry,
    start: (argv, options = {}) => startHere(line(argv, options.env), entrance.env),
    ok: async (words, options) => expectStatus(await wherry(words, options), 0, ["wherry", ...words]).stdout,
    write: async (path, text) => {
      expectStatus(await run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "-", path], { stdin: text }), 0, ["write", path]);
    },
    leaks: async () => {
      const { stdout } = expectStatus(await run([`${CHECKOUT}/tools/leak-check`]), 0, ["leak-check"]);
      return stdout.split("\n").filter((each) => each !== "");
    },
    reboot: async () => entrance.reboot?.(),
    [Symbol.asyncDispose]: entrance.end,
  };
}

/** The result, when its status is the one given; else an error with everything that was said. */
export function expectStatus(result: ExecResult, status: number, argv: readonly string[]): ExecResult {
  if (result.status === status) return result;
  throw new Error(`"${pasteable(argv)}" ended with ${result.status}, not ${status}\nstdout: ${result.stdout}\nstderr: ${result.stderr}`);
}

/** Starts a command outside of any room. */
export function startHere(argv: readonly string[], env: Readonly<Record<string, string>> = ENVIRONMENT): Running {
  const child = Bun.spawn([...argv], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let said = "";
  let wake: (() => void)[] = [];
  const changed = (): void => {
    const waiting = wake;
    wake = [];
    for (const each of waiting) each();
  };
  const follow = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      said += decoder.decode(chunk, { stream: true });
      changed();
    }
  };
  const drained = Promise.all([follow(child.stdout), follow(child.stderr)]).then(changed);
  return {
    pid: child.pid,
    output: () => said,
    exited: child.exited,
    kill: (signal) => process.kill(commandOf(child.pid), signal),
    async says(pattern) {
      const deadline = AbortSignal.timeout(30_000);
      let over = false;
      void drained.then(() => (over = true));
      deadline.addEventListener("abort", changed);
      while (!pattern.test(said)) {
        if (over || deadline.aborted) throw new Error(`"${pasteable(argv)}" did not say ${pattern}:\n${said}`);
        await new Promise<void>((done) => wake.push(done));
      }
      return said;
    },
  };
}

/** The command itself, which is the child of what entered the room (nsenter); before it runs, the one that enters. */
function commandOf(pid: number): number {
  try {
    return childOf(pid);
  } catch {
    return pid;
  }
}
