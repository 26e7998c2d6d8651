/** A `Runtime` in memory with the same rules as the real one, whose payloads do what a test says. */
import { fail } from "../base/errors.ts";
import type { ContainerExit } from "../spec/spec.ts";
import type { Signal } from "../spec/signals.ts";
import type { Created, CreateRequest, ExecRequest, Observed, Ran, RunRequest, Runtime, Session } from "./runtime.ts";

/** What a payload does. The default runs until SIGTERM, SIGINT, SIGHUP or SIGKILL. */
export interface FakePayload {
  /** Ends with this status as soon as it is started. */
  readonly exit?: number;
  readonly ignores?: readonly Signal[];
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
  /** What `run` answers from now on; at first every process ends with 0 and says nothing. */
  onRun(answer: (request: RunRequest) => Ran | Promise<Ran>): void;
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

const NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

interface World {
  readonly containers: Map<string, FakeContainer>;
  /** By bundle. */
  readonly exits: Map<string, ContainerExit>;
  readonly waiting: Map<string, Set<() => void>>;
  readonly calls: string[];
  readonly now: () => number;
  answer: (id: string, request: ExecRequest) => number;
  run: (request: RunRequest) => Ran | Promise<Ran>;
  pids: number;
}

/** A new one, with no containers. */
export function fakeRuntime(options: FakeOptions = {}): FakeRuntime {
  const requests = new Map<string, CreateRequest>();
  const world: World = { containers: new Map(), exits: new Map(), waiting: new Map(), calls: [], now: options.now ?? Date.now, answer: () => 0, run: () => ({ is: "ended", status: 0, output: "" }), pids: 1000 };
  const behave = options.behave ?? ((): FakePayload => ({}));
  const runtime: Runtime = {
    name: "fake 1",
    async create(request) {
      const created = create(world, request, behave(request));
      requests.set(request.id, request);
      return created;
    },
    start: async (id) => start(world, id),
    kill: async (id, signal) => kill(world, id, signal),
    async ended(bundle, { signal } = {}) {
      if (isMonitored(world, bundle)) await woken(world, bundle, signal);
      return isMonitored(world, bundle) ? undefined : world.exits.get(bundle);
    },
    async remove(id) {
      world.calls.push(`remove ${id}`);
      if (world.containers.has(id)) finish(world, id, { exitCode: 137 });
      world.containers.delete(id);
      requests.delete(id);
    },
    observe: async (id) => observe(world, id),
    list: async () => [...world.containers.keys()],
    async attach(id, bundle) {
      const container = world.containers.get(id);
      if (container?.status !== "running") return fail("notFound", `Cannot attach to container "${id}": it is not running`);
      return echo(world, container, bundle);
    },
    async exec(id, request) {
      world.calls.push(`exec ${id} ${request.args.join(" ")}`);
      if (world.containers.get(id)?.status !== "running") fail("notFound", `Cannot run a process in container "${id}": it is not running`);
      return world.answer(id, request);
    },
    async run(id, request) {
      world.calls.push(`run ${id} ${request.args.join(" ")}`);
      if (world.containers.get(id)?.status !== "running") fail("notFound", `Cannot run a process in container "${id}": it is not running`);
      return await world.run(request);
    },
  };
  return {
    runtime,
    requests,
    calls: world.calls,
    finish: (id, exitCode, { oomKilled = false } = {}) => finish(world, id, { exitCode, oomKilled }),
    dieMonitor: (id) => dieMonitor(world, id),
    onExec: (answer) => void (world.answer = answer),
    onRun: (answer) => void (world.run = answer),
  };
}

/** A payload that writes what it reads; one whose input is `once` ends with it. */
function echo(world: World, { request, payload }: FakeContainer, bundle: string): Session {
  const written: Uint8Array[] = [];
  const listening = new AbortController();
  const ends = (): void => {
    if (request.stdin === "once" && payload.exit === undefined && world.containers.has(request.id)) finish(world, request.id, { exitCode: 0 });
  };
  return {
    async *output() {
      while (isMonitored(world, bundle) && !listening.signal.aborted) await woken(world, bundle, listening.signal);
      for (const data of written) yield { stream: "stdout", data };
    },
    async write(data) {
      if (request.stdin !== undefined) written.push(data);
      return isMonitored(world, bundle);
    },
    endInput: ends,
    resize: () => undefined,
    [Symbol.dispose]() {
      listening.abort();
      ends();
    },
  };
}

function existing({ containers }: World, id: string): FakeContainer {
  return containers.get(id) ?? fail("notFound", `Cannot start container "${id}": it does not exist`);
}

function isMonitored({ containers }: World, bundle: string): boolean {
  return [...containers.values()].some(({ request, monitored }) => monitored && request.bundle === bundle);
}

function create(world: World, request: CreateRequest, payload: FakePayload): Created {
  world.calls.push(`create ${request.id}`);
  request.signal?.throwIfAborted();
  if (payload.refuses !== undefined) fail("failed", `Cannot create container "${request.id}": ${payload.refuses}`);
  world.pids += 2;
  world.exits.delete(request.bundle);
  world.containers.set(request.id, { request, payload, pid: world.pids, status: "created", monitored: true });
  return { pid: world.pids, monitorPid: world.pids + 1 };
}

function start(world: World, id: string): void {
  world.calls.push(`start ${id}`);
  const container = existing(world, id);
  if (container.status !== "created") fail("failed", `Cannot start container "${id}": it is ${container.status}`);
  container.status = "running";
  if (container.payload.exit !== undefined) finish(world, id, { exitCode: container.payload.exit });
}

function kill(world: World, id: string, signal: Signal): boolean {
  world.calls.push(`kill ${id} ${signal}`);
  const container = world.containers.get(id);
  if (container === undefined || container.status === "stopped") return false;
  const number = NUMBERS[signal];
  // As the first process of a pid namespace, what has set no handler yet is deaf to all but SIGKILL.
  const deaf = signal !== "SIGKILL" && (container.status === "created" || container.payload.ignores?.includes(signal) === true);
  if (number !== undefined && !deaf) finish(world, id, { exitCode: 128 + number });
  return true;
}

function finish(world: World, id: string, { exitCode, oomKilled = false }: { readonly exitCode: number; readonly oomKilled?: boolean }): void {
  const container = existing(world, id);
  if (container.status === "stopped") return;
  container.status = "stopped";
  if (!container.monitored) return;
  world.exits.set(container.request.bundle, { exitCode, oomKilled, finishedAt: world.now() });
  dieMonitor(world, id);
}

function dieMonitor(world: World, id: string): void {
  const container = existing(world, id);
  container.monitored = false;
  for (const wake of world.waiting.get(container.request.bundle) ?? []) wake();
  world.waiting.delete(container.request.bundle);
}

function observe({ containers }: World, id: string): Observed {
  const container = containers.get(id);
  if (container === undefined) return { status: "absent", pid: 0, monitored: false, monitorPid: 0 };
  const { status, pid, monitored } = container;
  return { status, pid: status === "stopped" ? 0 : pid, monitored, monitorPid: monitored ? pid + 1 : 0 };
}

async function woken({ waiting }: World, bundle: string, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  const wakes = waiting.get(bundle) ?? new Set();
  waiting.set(bundle, wakes);
  await new Promise<void>((wake) => {
    wakes.add(wake);
    signal?.addEventListener("abort", () => wake(), { once: true });
  });
}
