/** A `Runtime` in memory with the same rules as the real one, whose payloads do what a test says. */
import { fail } from "../base/errors.ts";
import type { ContainerExit } from "../spec/spec.ts";
import type { Created, CreateRequest, ExecRequest, Observed, Runtime } from "./runtime.ts";

/** What a payload does. The default runs until SIGTERM, SIGINT, SIGHUP or SIGKILL. */
export interface FakePayload {
  /** Ends with this status as soon as it is started. */
  readonly exit?: number;
  readonly ignores?: readonly NodeJS.Signals[];
  /** `create` fails with this sentence. */
  readonly refuses?: string;
}

export interface FakeRuntime {
  readonly runtime: Runtime;
  /** Every container that was created and not removed, by id. */
  readonly requests: ReadonlyMap<string, CreateRequest>;
  /** Calls in order, `create <id>`, `kill <id> SIGTERM`. */
  readonly calls: readonly string[];
  /** The payload of a running container ends by itself. */
  finish(id: string, exitCode: number, options?: { readonly oomKilled?: boolean }): void;
  /** Somebody kills the monitor. */
  dieMonitor(id: string): void;
  /** The status that `exec` returns from now on; 0 at first. */
  onExec(answer: (id: string, request: ExecRequest) => number): void;
}

export interface FakeOptions {
  readonly behave?: (request: CreateRequest) => FakePayload;
  readonly now?: () => number;
}

interface FakeContainer {
  readonly request: CreateRequest;
  readonly payload: FakePayload;
  readonly pid: number;
  status: "created" | "running" | "stopped";
  monitored: boolean;
}

const NUMBERS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

export function fakeRuntime(options: FakeOptions = {}): FakeRuntime {
  const behave = options.behave ?? ((): FakePayload => ({}));
  const now = options.now ?? Date.now;
  const containers = new Map<string, FakeContainer>();
  const requests = new Map<string, CreateRequest>();
  const exits = new Map<string, ContainerExit>();
  const waiting = new Map<string, Set<() => void>>();
  const calls: string[] = [];
  let answer: (id: string, request: ExecRequest) => number = () => 0;
  let pids = 1000;

  const existing = (id: string): FakeContainer => containers.get(id) ?? fail("notFound", `Cannot start container "${id}": it does not exist`);
  const monitorOf = (bundle: string): boolean => [...containers.values()].some(({ request, monitored }) => monitored && request.bundle === bundle);

  function dieMonitor(id: string): void {
    const container = existing(id);
    container.monitored = false;
    for (const wake of waiting.get(container.request.bundle) ?? []) wake();
    waiting.delete(container.request.bundle);
  }
  function finish(id: string, exitCode: number, { oomKilled = false } = {}): void {
    const container = existing(id);
    if (container.status === "stopped") return;
    container.status = "stopped";
    if (!container.monitored) return;
    exits.set(container.request.bundle, { exitCode, oomKilled, finishedAt: now() });
    dieMonitor(id);
  }

  const runtime: Runtime = {
    name: "fake 1",
    async create(request): Promise<Created> {
      calls.push(`create ${request.id}`);
      request.signal?.throwIfAborted();
      const payload = behave(request);
      if (payload.refuses !== undefined) fail("failed", `Cannot create container "${request.id}": ${payload.refuses}`);
      pids += 2;
      exits.delete(request.bundle);
      containers.set(request.id, { request, payload, pid: pids, status: "created", monitored: true });
      requests.set(request.id, request);
      return { pid: pids, monitorPid: pids + 1 };
    },
    async start(id) {
      calls.push(`start ${id}`);
      const container = existing(id);
      if (container.status !== "created") fail("failed", `Cannot start container "${id}": it is ${container.status}`);
      container.status = "running";
      if (container.payload.exit !== undefined) finish(id, container.payload.exit);
    },
    async kill(id, signal) {
      calls.push(`kill ${id} ${signal}`);
      const container = containers.get(id);
      if (container === undefined || container.status === "stopped") return false;
      const number = NUMBERS[signal];
      // As the first process of a pid namespace, what has set no handler yet is deaf to all but SIGKILL.
      const deaf = signal !== "SIGKILL" && (container.status === "created" || container.payload.ignores?.includes(signal) === true);
      if (number !== undefined && !deaf) finish(id, 128 + number);
      return true;
    },
    async ended(bundle, { signal } = {}) {
      if (monitorOf(bundle)) await woken(waiting, bundle, signal);
      return monitorOf(bundle) ? undefined : exits.get(bundle);
    },
    async remove(id) {
      calls.push(`remove ${id}`);
      if (containers.has(id)) finish(id, 137);
      containers.delete(id);
      requests.delete(id);
    },
    async observe(id): Promise<Observed> {
      const container = containers.get(id);
      if (container === undefined) return { status: "absent", pid: 0, monitored: false, monitorPid: 0 };
      const { status, pid, monitored } = container;
      return { status, pid: status === "stopped" ? 0 : pid, monitored, monitorPid: monitored ? pid + 1 : 0 };
    },
    list: async () => [...containers.keys()],
    async exec(id, request) {
      calls.push(`exec ${id} ${request.args.join(" ")}`);
      if (containers.get(id)?.status !== "running") fail("notFound", `Cannot run a process in container "${id}": it is not running`);
      return answer(id, request);
    },
  };
  return { runtime, requests, calls, finish, dieMonitor, onExec: (next) => void (answer = next) };
}

async function woken(waiting: Map<string, Set<() => void>>, bundle: string, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  const wakes = waiting.get(bundle) ?? new Set();
  waiting.set(bundle, wakes);
  await new Promise<void>((wake) => {
    wakes.add(wake);
    signal?.addEventListener("abort", () => wake(), { once: true });
  });
}
