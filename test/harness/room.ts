/**
 * The rooms that end-to-end tests run in (CONTRIBUTING.md): `plain`, without a service manager, `box`, under a real
 * systemd, and `vm`, a machine of its own. A test file opens its room by itself; the room ends with the file's last test, or with the test process.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { CLEAN_ENV, exec, type ExecResult, pasteable } from "../../src/base/exec.ts";
import { type Directories, directoriesOf, type Snapshot, snapshot } from "./leaks.ts";
import { insideOf, ORDINARY, USER_ENVIRONMENT } from "./ordinary.ts";
import { paced } from "./pace.ts";

export const CHECKOUT = resolve(import.meta.dir, "../..");
/** What the rooms of tests are, when not what they ask for: `here`, this machine itself, for who runs the tests; `vm`, an emulated one for the box. */
const ASSIGNED = process.env["WHERRY_ROOM"];
/** The command under test. In the box it is found on PATH, where `make install` has put it. */
export const WHERRY = ASSIGNED === "here" ? "/usr/local/bin/wherry" : `${CHECKOUT}/dist/wherry`;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Milliseconds until the command is killed and the test fails; 30 s. Multiplied by the pace of the room. */
  readonly timeout?: number;
}

/** A command that runs on. */
export interface Running {
  readonly pid: number;
  /** Everything said so far on stdout and stderr. */
  output(): string;
  /** Resolves with everything said when `pattern` has been said; rejects when the command ends, or after 30 s (by the pace of the room), without. */
  says(pattern: RegExp): Promise<string>;
  readonly exited: Promise<number>;
  /** Not in a VM, where it would reach who has entered only. */
  kill(signal: NodeJS.Signals): void;
}

export interface Room extends AsyncDisposable {
  readonly kind: "plain" | "box" | "vm";
  /** Runs a command to its end, whatever its status. */
  run(argv: readonly string[], options?: RunOptions): Promise<ExecResult>;
  start(argv: readonly string[], options?: RunOptions): Running;
  wherry(words: readonly string[], options?: RunOptions): Promise<ExecResult>;
  /** As `wherry`; a status other than 0 is an error with everything the command said. Returns stdout. */
  ok(words: readonly string[], options?: RunOptions): Promise<string>;
  /** Makes a file with its directory. */
  write(path: string, text: string): Promise<void>;
  leaks(): Promise<Snapshot>;
  /** Where wherry keeps things in it. */
  readonly directories: Directories;
  /** argv that runs a command where pods' addresses are reached: on the host, or in an ordinary user's namespaces. */
  reaching(argv: readonly string[]): readonly string[];
  /** Box and VM only: powers off and boots the same root again. */
  reboot(): Promise<void>;
  /** VM only: ends it as a power cut does; commands work again after `boot`. */
  cut(): Promise<void>;
  /** VM only: boots the same disk again after a cut. */
  boot(): Promise<void>;
}

/** The room, or one line on why it cannot be made here. */
export type Opened = { readonly room: Room } | { readonly missing: string };

/** "skipped" in the words of automake: what the room tools exit with where the room cannot be made. */
const SKIPPED = 77;
const ENVIRONMENT = { ...CLEAN_ENV, HOME: "/root", NO_COLOR: "1" };

export async function openPlainRoom(): Promise<Opened> {
  if (ASSIGNED === "here") return { room: ORDINARY ? userHere() : roomHere() };
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

/** Root's, on this machine. Another process only for the leak check would cost seconds there. */
function roomHere(): Room {
  const made = room({ kind: "plain", prefix: [], env: ENVIRONMENT, program: WHERRY, end: async () => {} });
  return { ...made, leaks: () => snapshot(made.directories) };
}

/** An ordinary user's, on this machine, with the user's own manager. The namespaces stand from the first command to the last. */
function userHere(): Room {
  const env = { ...ENVIRONMENT, ...USER_ENVIRONMENT };
  const made = room({ kind: "plain", prefix: [], env, program: WHERRY, end: async () => void (await exec(["systemctl", "--user", "stop", "wherry-namespaces-*.scope"], { env })) });
  return {
    ...made,
    leaks: () => snapshot(made.directories, insideOf(made.directories)),
    reaching: (argv) => insideOf(made.directories)?.enter(argv) ?? argv,
  };
}

/** A machine that is held by a tool, and known to it by a directory. */
interface Machine {
  readonly kind: "box" | "vm";
  /** The variable that names the directory. */
  readonly variable: string;
}

const BOX: Machine = { kind: "box", variable: "WHERRY_BOX" };

export const openBox = async (): Promise<Opened> => (ASSIGNED === "vm" ? await openVm() : await openMachine(BOX));

/** A box that nobody else has, beside the one of the test file. */
export const openOwnBox = async (): Promise<Opened> => (ASSIGNED === undefined ? await openMachine(BOX) : { missing: "a second box is made on a real machine only" });

/** The VM that `WHERRY_VM` names, which stays; else one of its own. */
export async function openVm(): Promise<Opened> {
  const given = process.env["WHERRY_VM"];
  const machine = { kind: "vm", variable: "WHERRY_VM" } as const;
  return given === undefined ? await openMachine(machine) : { room: machineRoom(machine, { directory: given, end: async () => {} }) };
}

async function openMachine(machine: Machine): Promise<Opened> {
  const parent = mkdtempSync(`${tmpdir()}/wherry-${machine.kind}.`);
  const directory = `${parent}/${machine.kind}`;
  const env = { ...ENVIRONMENT, [machine.variable]: directory };
  const keeper = Bun.spawn([`${CHECKOUT}/tools/room-${machine.kind}`, "hold"], { env, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const missing = await readiness(keeper);
  if (missing !== undefined) {
    rmSync(parent, { recursive: true, force: true });
    return { missing };
  }
  return {
    room: machineRoom(machine, {
      directory,
      end: async () => {
        await end(keeper);
        rmSync(parent, { recursive: true, force: true });
      },
    }),
  };
}

function machineRoom({ kind, variable }: Machine, { directory, end }: { readonly directory: string; readonly end: () => Promise<void> }): Room {
  const tool = `${CHECKOUT}/tools/room-${kind}`;
  const env = { ...ENVIRONMENT, [variable]: directory };
  const command = async (word: string): Promise<void> => void (await exec([tool, word], { env, timeout: 300_000 }));
  return room({ kind, prefix: [tool, "run"], env, program: "wherry", command, end });
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
  /** A word of the room's tool. */
  readonly command?: (word: string) => Promise<void>;
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
      timeout: paced(options.timeout ?? 30_000),
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    });
  const wherry: Room["wherry"] = (words, options) => run([entrance.program, ...words], options);
  return {
    kind: entrance.kind,
    run,
    wherry,
    start: (argv, options = {}) => started(line(argv, options.env), { env: entrance.env, target: entrance.prefix.length === 0 ? (pid) => pid : commandOf }),
    ok: async (words, options) => expectStatus(await wherry(words, options), 0, ["wherry", ...words]).stdout,
    write: async (path, text) => {
      expectStatus(await run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "-", path], { stdin: text }), 0, ["write", path]);
    },
    leaks: async () => {
      const { stdout } = expectStatus(await run([`${CHECKOUT}/tools/leak-check`]), 0, ["leak-check"]);
      return stdout.split("\n").filter((each) => each !== "");
    },
    directories: directoriesOf(entrance.env),
    reaching: (argv) => argv,
    reboot: async () => entrance.command?.("reboot"),
    cut: async () => entrance.command?.("cut"),
    boot: async () => entrance.command?.("boot"),
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
  return started(argv, { env, target: (pid) => pid });
}

interface Start {
  readonly env: Readonly<Record<string, string>>;
  /** The process that signals are meant for, of the one that was started. */
  readonly target: (pid: number) => number;
}

function started(argv: readonly string[], { env, target }: Start): Running {
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
    kill: (signal) => process.kill(target(child.pid), signal),
    async says(pattern) {
      const deadline = AbortSignal.timeout(paced(30_000));
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
