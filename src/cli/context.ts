/** What a command may know of its surroundings. `main.ts` makes the one Context; tests make their own. */
import { resolve } from "node:path";
import type { Paths } from "../base/paths.ts";
import type { Node } from "../pod/status.ts";
import { imageEnvironment } from "../storage/environment.ts";
import type { Engine } from "./engine.ts";

/** An output. Writing to a reader that has gone is not an error: `write` resolves to false from then on. */
export interface Writer {
  readonly isTerminal: boolean;
  write(data: string | Uint8Array): Promise<boolean>;
}

/** The standard input. It can be read once. */
export interface Reader {
  readonly isTerminal: boolean;
  text(): Promise<string>;
  /** Bytes as they come. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface EnterOptions {
  /** The process also goes to a cgroup of the user's manager, from where it may put others into the pods' cgroups. */
  readonly scope: boolean;
  /** Only into namespaces that stand already. */
  readonly standing?: boolean;
}

export const LOG_LEVELS = ["error", "warning", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Context {
  readonly paths: Paths;
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly stdin: Reader;
  readonly colour: boolean;
  /** Columns of the terminal; Infinity when stdout is none. */
  readonly width: number;
  /** Size of the terminal on stderr as it is now. */
  readonly screen: { readonly columns: number; readonly rows: number };
  readonly logLevel: LogLevel;
  /** What skopeo may know of the surroundings: where credentials, registries' settings, proxies and other engines are. */
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** `NOTIFY_SOCKET` and `WATCHDOG_USEC` of sd_notify(3) and sd_watchdog_enabled(3), as given by systemd. */
  readonly notifySocket: string | undefined;
  readonly watchdogUsec: number | undefined;
  /** The user's on the host, also where this process is root in the user's namespaces. */
  readonly uid: number;
  /** The user's home directory. */
  readonly home: string;
  readonly cwd: string;
  /** Goes on in the user's namespaces, as another process; returns only where there is no need, for root and inside, and where none stand that should. */
  enter(options: EnterOptions): Promise<void>;
  now(): number;
  /** The host, as Kubernetes calls it. */
  node(): Node;
  /** Resolves at the first SIGINT or SIGTERM, which then does not end the process; installed by the first call. */
  interrupted(): Promise<void>;
  /** The folders below, opened only when asked for. */
  readonly engine: Engine;
}

/** The options of every command, as given. */
export interface Globals {
  readonly root?: string | undefined;
  readonly runroot?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly noColour?: boolean;
}

/** What `main.ts` knows: environment, user, file descriptors, parts. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  readonly cwd: string;
  readonly self: readonly string[];
  /** This process is root in the user's namespaces. */
  readonly inside: boolean;
  /** Begins this command line again in the user's namespaces. */
  enter(paths: Paths, options: EnterOptions): Promise<void>;
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly stdin: Context["stdin"];
  /** Columns of the terminal on stdout; asked for only when there is one. */
  columns(): number;
  /** Size of the terminal on stderr; asked for only when there is one. */
  screen(): { readonly columns: number; readonly rows: number };
  now(): number;
  node(): Node;
  /** Resolves at the first SIGINT or SIGTERM, which then does not end the process; installed by the first call. */
  interrupted(): Promise<void>;
  engine(paths: Paths): Engine;
}

/** The Context of one command line: options win over the environment, which wins over the defaults. */
export function contextOf(around: Surroundings, globals: Globals): Context {
  const { env } = around;
  const paths = pathsOf(around, globals);
  const level = LOG_LEVELS.find((each) => each === globals.logLevel);
  return {
    paths,
    stdout: around.stdout,
    stderr: around.stderr,
    stdin: around.stdin,
    colour: around.stderr.isTerminal && globals.noColour !== true && (env["NO_COLOR"] ?? "") === "",
    get width() {
      return around.stdout.isTerminal ? Number(env["COLUMNS"]) || around.columns() || Infinity : Infinity;
    },
    get screen() {
      return around.screen();
    },
    logLevel: level ?? "info",
    imageEnvironment: imageEnvironment(env),
    notifySocket: env["NOTIFY_SOCKET"],
    watchdogUsec: env["WATCHDOG_USEC"] === undefined ? undefined : Number(env["WATCHDOG_USEC"]),
    uid: around.uid,
    home: around.home,
    cwd: around.cwd,
    enter: async (options) => (around.uid === 0 || around.inside ? undefined : await around.enter(paths, options)),
    now: around.now,
    node: around.node,
    interrupted: around.interrupted,
    engine: around.engine(paths),
  };
}

/** Directories (architecture, section 3). A durable root of one's own takes its logs along. */
export function pathsOf(around: Pick<Surroundings, "env" | "uid" | "home" | "cwd" | "self" | "inside">, globals: Globals): Paths {
  const { env, uid } = around;
  const own = globals.root ?? env["WHERRY_ROOT"];
  const data = env["XDG_DATA_HOME"] ?? `${around.home}/.local/share`;
  const runtimeHome = env["XDG_RUNTIME_DIR"] ?? `/run/user/${uid}`;
  const durable = resolve(around.cwd, own ?? (uid === 0 ? "/var/lib/wherry" : `${data}/wherry`));
  const runtime = resolve(around.cwd, globals.runroot ?? env["WHERRY_RUNROOT"] ?? (uid === 0 ? "/run/wherry" : `${runtimeHome}/wherry`));
  const logs = env["WHERRY_LOGS"] ?? (uid === 0 && own === undefined ? "/var/log/wherry" : `${durable}/logs`);
  return { durable, runtime, logs: resolve(around.cwd, logs), self: around.self, ...(around.inside ? { rootless: { uid } } : {}) };
}
