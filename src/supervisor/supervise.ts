/**
 * The event loop of one service: the payload of its service container. It holds the service's lock for life, brings
 * the service to what is wanted, answers its socket, tells systemd, and ends when every pod has ended.
 */
import { controlSocket, serviceLock } from "../base/paths.ts";
import { acquire } from "../base/locks.ts";
import { fail } from "../base/errors.ts";
import type { ServiceName } from "../spec/spec.ts";
import { ServiceDriver } from "../service/driver.ts";
import type { Engine } from "../service/engine.ts";
import { allEnded, exitStatus } from "../service/exit.ts";
import { planService } from "../service/plan.ts";
import type { ServiceProgress } from "../service/service.ts";
import { enterCgroup } from "../runtime/cgroupTree.ts";
import type { Notifier } from "../systemd/systemd.ts";
import type { Message } from "./protocol.ts";
import { handleRequest, type Supervised } from "./requests.ts";
import { serve, type ControlServer } from "./server.ts";
import { statusOf } from "./status.ts";

export interface SuperviseOptions {
  readonly notifier: Notifier;
  /** Interval of the unit's watchdog in microseconds; 0 when it has none. */
  readonly watchdogUsec: number;
  /** Calls back at SIGTERM or SIGINT. */
  readonly onTerminate: (stop: () => void) => void;
}

/** How often a long start or stop asks systemd for more time, and for how much. */
const EXTEND_EVERY = 10_000;
const EXTEND_BY = 30_000_000;
/** Looking at all pods takes at most one part in so many of the time. */
const LOOK_SHARE = 5;
/** Milliseconds after the last start or stop at which the supervisor gives memory back. */
const SETTLE = 1_000;

/** Runs until the service has ended; resolves with the exit status that its policy gives. */
export async function supervise(engine: Engine, service: ServiceName, options: SuperviseOptions): Promise<number> {
  using lock = acquire(serviceLock(engine.paths, service), { wait: true });
  if (lock === undefined) fail("conflict", `Cannot supervise "${service}": its lock is held`);
  using supervisor = new Supervisor(engine, service, options);
  return await supervisor.run();
}

class Supervisor implements Supervised, Disposable {
  readonly driver: ServiceDriver;
  readonly engine: Engine;
  readonly service: ServiceName;
  readonly #options: SuperviseOptions;
  readonly #ended = Promise.withResolvers<number>();
  readonly #listeners = new Set<(message: Message) => void>();
  readonly #changes = new Set<() => void>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #server: ControlServer | undefined;
  #status = "";
  #applied: { readonly is: "pending" | "done" } | { readonly is: "failed"; readonly thrown: unknown } = { is: "pending" };
  #extending: ReturnType<typeof setInterval> | undefined;
  #stopping = false;
  #turn = false;
  /** Milliseconds between a change and the look at it. */
  #pause = 0;

  constructor(engine: Engine, service: ServiceName, options: SuperviseOptions) {
    this.engine = engine;
    this.service = service;
    this.#options = options;
    this.driver = new ServiceDriver({
      host: engine.host,
      durable: engine.durable,
      service,
      cgroup: this.#run().cgroup,
      onProgress: (progress) => this.#tell(progress),
      onChange: () => this.#changed(),
    });
  }

  async run(): Promise<number> {
    const { engine, service } = this;
    enterCgroup(`${this.#run().cgroup}/wherry`);
    this.#options.onTerminate(() => void this.terminate());
    this.#watchdog();
    await this.driver.recover();
    this.#server = serve(controlSocket(engine.paths, service), (request, send, signal) => handleRequest(this, request, { send, signal }), () => this.#changed());
    engine.host.state.updateRun(service, { phase: "running" });
    this.driver.resume();
    await this.#applyWanted();
    return await this.#ended.promise;
  }

  /** Makes what is recorded as wanted; what cannot be recorded (a conflict) is told to whoever follows. */
  async #applyWanted(): Promise<void> {
    try {
      await this.driver.apply(this.plan(this.engine.durable.objects(this.service), false));
      this.#applied = { is: "done" };
    } catch (thrown) {
      this.#applied = { is: "failed", thrown };
    }
    this.#changed();
  }

  /** Whether the pods of the first play are recorded; throws what kept them from it. */
  applied(): boolean {
    if (this.#applied.is === "failed") throw this.#applied.thrown;
    return this.#applied.is === "done";
  }

  /** Steps without `start`: which pods shall run is in their records already. */
  plan(wanted: ReturnType<Engine["durable"]["objects"]>, replace: boolean): ReturnType<typeof planService> {
    const { engine, service } = this;
    const plan = planService({ wanted, recorded: engine.durable.objects(service), pods: this.driver.pods(), replace, restart: false, cgroup: this.#run().cgroup });
    return { ...plan, steps: plan.steps.filter((step) => step.verb !== "start") };
  }

  /** SIGTERM: stops all pods within their grace periods, then ends with status 0. */
  async terminate(): Promise<void> {
    this.stopping();
    await this.driver.stop(this.driver.pods().map(({ uid }) => uid));
    this.end(0);
  }

  stopping(): void {
    this.#stopping = true;
    this.#extend(true);
    this.engine.host.state.updateRun(this.service, { phase: "stopping" });
    this.#options.notifier.send({ stopping: true, status: "stopping", extendTimeoutUsec: EXTEND_BY });
  }

  /** Ends the supervisor; pods that still exist live on. */
  end(exitCode: number): void {
    this.engine.host.state.updateRun(this.service, { phase: "ended", exitCode, status: "" });
    this.#ended.resolve(exitCode);
  }

  /** Calls `listener` with every progress message until the signal aborts. */
  listen(listener: (message: Message) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  /** Resolves when `reached` says so; asked after every change. Rejects when the signal aborts. */
  async until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    const done = Promise.withResolvers<void>();
    const look = (): void => {
      if (reached()) done.resolve();
    };
    this.#changes.add(look);
    signal.addEventListener("abort", () => done.resolve(), { once: true });
    look();
    await done.promise.finally(() => this.#changes.delete(look));
  }

  #run(): NonNullable<ReturnType<Engine["host"]["state"]["run"]>> {
    return this.engine.host.state.run(this.service) ?? fail("failed", `Cannot supervise "${this.service}": it is not recorded as started`);
  }

  #tell(progress: ServiceProgress): void {
    for (const listener of this.#listeners) listener({ type: "progress", ...progress });
  }

  /** Looks once for many changes; with many pods a look takes its time, and is then done the more seldom. */
  #changed(): void {
    if (this.#turn) return;
    this.#turn = true;
    setTimeout(() => {
      this.#turn = false;
      const begun = performance.now();
      this.#look();
      this.#pause = (performance.now() - begun) * LOOK_SHARE;
    }, this.#pause);
  }

  #look(): void {
    const { engine, service } = this;
    const pods = this.driver.pods();
    const status = statusOf(pods.map((record) => ({ record, containers: engine.host.state.containers(record.uid) })));
    this.#extend(status.busy || this.#stopping);
    if (status.text !== this.#status && !this.#stopping) {
      this.#status = status.text;
      const run = this.#run();
      const ready = status.ready && run.readyAt === 0 ? { readyAt: engine.host.now() } : {};
      engine.host.state.updateRun(service, { status: status.text, ...ready });
      this.#options.notifier.send({ status: status.text, ...(status.busy ? { extendTimeoutUsec: EXTEND_BY } : {}) });
    }
    for (const look of this.#changes) look();
    if (!this.#stopping && this.#applied.is !== "pending" && allEnded(pods) && (this.#server?.clients() ?? 0) === 0) this.#finish();
  }

  #finish(): void {
    const { engine, service } = this;
    const containers = this.driver.pods().flatMap((record) => engine.host.state.containers(record.uid));
    this.end(exitStatus(engine.durable.service(service)?.options.exitPolicy ?? "none", containers));
  }

  /** Asks systemd for more time, again and again, while something is being started or stopped; no timer runs at idle. */
  #extend(busy: boolean): void {
    if (busy) this.#extending ??= setInterval(() => this.#options.notifier.send({ extendTimeoutUsec: EXTEND_BY }), EXTEND_EVERY);
    else if (this.#extending !== undefined) {
      clearInterval(this.#extending);
      this.#extending = undefined;
      this.#timers.push(setTimeout(() => Bun.gc(true), SETTLE)); // what the start took is given back before the long wait
    }
  }

  #watchdog(): void {
    const { watchdogUsec, notifier } = this.#options;
    if (watchdogUsec > 0) this.#timers.push(setInterval(() => notifier.send({ watchdog: true }), watchdogUsec / 2000));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#extending);
    for (const timer of this.#timers) clearInterval(timer);
    this.#server?.close();
    this.driver[Symbol.dispose]();
  }
}
