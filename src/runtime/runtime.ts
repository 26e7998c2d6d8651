/**
 * The OCI runtime driver: conmon with crun or runc. Values in, values out; no database, no policy.
 *
 * Words: a *bundle* is the directory that holds `config.json` and what conmon writes beside it. A *monitor* is the
 * conmon of one container: it holds the container's output, reaps it and records its exit status; it ends when the
 * container has ended. The *life fifo* (`<bundle>/life`) is held open for writing by the monitor alone, so reading
 * end-of-file from it means: the monitor has ended. There is no polling anywhere.
 *
 * One life: `create` (monitor and container exist, payload not started; OCI state `created`) → `start` → the
 * payload ends or `kill` → `ended` resolves → `remove`. Every call may be repeated after a crash at any point.
 */
import type { TerminalSize } from "../base/terminal.ts";
import type { ContainerExit, ContainerId } from "../spec/spec.ts";
import type { Signal } from "../spec/signals.ts";
import type { OciConfig, OciProcess } from "./oci.ts";

export interface CreateRequest {
  readonly id: ContainerId;
  /** Directory of the bundle; made when missing. `config.json` is written by `create`. */
  readonly bundle: string;
  readonly config: OciConfig;
  /** Log file in CRI format (conmon's `k8s-file`); its directory is made when missing. */
  readonly logPath: string;
  /** Bytes after which the log is started anew. */
  readonly logSizeMax: number;
  /** Also write to the journal, as CONTAINER_NAME=`name` and CONTAINER_TAG=`tag` (and labels where conmon can). */
  readonly journal: boolean;
  readonly name: string;
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * What the payload reads: nothing (absent), or what those who attach write; with `once` it ends with the first of them,
   * with `open` never. `config.process.terminal` makes the streams one terminal.
   */
  readonly stdin?: "once" | "open";
  readonly launcher?: Launcher;
  /** More environment for the monitor; never NOTIFY_SOCKET. */
  readonly signal?: AbortSignal;
}

/** A program that becomes the monitor elsewhere: in another cgroup. */
export interface Launcher {
  /** Words in front of the monitor's. It says a line when it has arrived, and goes on when it is given one. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Makes what it needs where it has arrived. */
  readonly arrived: () => void;
}

export interface Created {
  /** pid of the payload's process in the host pid namespace */
  readonly pid: number;
  readonly monitorPid: number;
}

/** OCI status (runtime.md), or `absent`. */
export type OciStatus = "creating" | "created" | "running" | "stopped" | "paused" | "absent";

export interface Observed {
  readonly status: OciStatus;
  readonly pid: number;
  /** The monitor is alive. `false` with status `running` means that somebody killed conmon: nobody will record the exit. */
  readonly monitored: boolean;
  /** pid of the monitor, 0 when it is not alive */
  readonly monitorPid: number;
}

export interface ExecRequest {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user?: OciProcess["user"];
  /** Gives the process a terminal that is coupled to this one. */
  readonly terminal?: CallersTerminal | undefined;
  readonly interactive: boolean;
}

/** The terminal on descriptors 0 and 1. */
export interface CallersTerminal {
  /** Undefined when it does not know. */
  size(): TerminalSize | undefined;
  /** What is typed, as it comes. */
  keys(): AsyncIterable<Uint8Array>;
  /** False when nobody reads any more. */
  show(data: Uint8Array): Promise<boolean>;
}

/** A process of a probe or a hook. It gets the container's own environment, user and directory. */
export interface RunRequest {
  readonly args: readonly string[];
  /** Milliseconds after which it is killed; without it, it may take as long as it wants. */
  readonly timeout?: number;
  /** Bytes of its output that are kept. */
  readonly outputMax: number;
  /** Kills it. */
  readonly signal?: AbortSignal;
}

export type Ran =
  /** What it wrote: stdout, then stderr. */
  | { readonly is: "ended"; readonly status: number; readonly output: string }
  /** It took too long, or the signal came. */
  | { readonly is: "killed" }
  /** It could not be started. */
  | { readonly is: "refused"; readonly message: string };

/** Taking part in the streams of a container. Disposing it leaves the container as it is, but for its input when that is `once`. */
export interface Session extends Disposable {
  /** What the payload writes from now on; ends with the container. Of a terminal everything is stdout. */
  output(): AsyncIterable<{ readonly stream: "stdout" | "stderr"; readonly data: Uint8Array }>;
  /** Resolves when the monitor has taken it; false when the container has ended. */
  write(data: Uint8Array): Promise<boolean>;
  /** Nothing more will be written; the payload reads end-of-file when its input is `once`. */
  endInput(): void;
  /** Sets the size of the container's terminal. */
  resize(size: { readonly rows: number; readonly columns: number }): void;
}

export interface Runtime {
  /** `crun` or `runc`, and its version. */
  readonly name: string;
  /** Makes monitor and container. Fails with kind `failed` and the runtime's own sentence; nothing is left behind then. */
  create(request: CreateRequest): Promise<Created>;
  /** Starts the payload of a created container. Kind `failed` with the runtime's sentence (`executable not found`). */
  start(id: ContainerId): Promise<void>;
  /** Sends a signal to the payload's first process, or with `all` to every process of the container. True when it was delivered; false when it has ended or is absent. */
  kill(id: ContainerId, signal: Signal, options?: { readonly all?: boolean }): Promise<boolean>;
  /** Resolves when the monitor has ended, with the recorded exit, or `undefined` when the monitor died without recording one. Resolves at once when it has ended already. */
  ended(bundle: string, options?: { readonly signal?: AbortSignal }): Promise<ContainerExit | undefined>;
  /** Kills what is left of the container, its monitor and its cgroup, and removes the runtime's own record. Does not touch the bundle. Nothing there is success. */
  remove(id: ContainerId, bundle: string): Promise<void>;
  observe(id: ContainerId, bundle: string): Promise<Observed>;
  /** Ids that the runtime has a record of. */
  list(): Promise<readonly string[]>;
  /** Runs a process in a running container with the caller's own stdin, stdout, stderr (and terminal); returns its exit status. */
  exec(id: ContainerId, request: ExecRequest): Promise<number>;
  /** Runs a process in a running container and keeps what it says. Fails with kind `notFound` when the container does not run. */
  run(id: ContainerId, request: RunRequest): Promise<Ran>;
  /** Attaches to a running container. Kind `notFound` when it does not run, `failed` when its monitor does not answer. */
  attach(id: ContainerId, bundle: string): Promise<Session>;
}
