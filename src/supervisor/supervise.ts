/**
 * The event loop of one service: the payload of its service container. It holds the service's lock for life, brings
 * the service to what is wanted, answers its socket, tells systemd, and ends when every pod has ended.
 */
import { controlSocket, serviceLock } from "../base/paths.ts";
import { acquire } from "../base/locks.ts";
import { fail, messageOf } from "../base/errors.ts";
import { semaphore } from "../base/semaphore.ts";
import type { ServiceName } from "../spec/spec.ts";
import { ServiceDriver } from "../service/driver.ts";
import type { Engine } from "../service/engine.ts";
import { allEnded, exitStatus } from "../service/exit.ts";
import { recordWanted } from "../service/record.ts";
import { planService } from "../service/plan.ts";
import type { Plan, ServiceProgress } from "../service/service.ts";
import { enterCgroup } from "../runtime/cgroupTree.ts";
import type { Notifier } from "../systemd/systemd.ts";
import type { Message, Request } from "./protocol.ts";
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
/** Milliseconds after which a look that failed (a full /run) is tried again. */
const LOOK_AGAIN = 10_000;
/** Milliseconds that a client has, after all pods have ended, to take its answer. */
const LINGER = 5_000;
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
  /** Name of the unit that the service was played by, or empty. */
  readonly #unit: string;
  #applied: { readonly is: "pending" | "done" } | { readonly is: "failed"; readonly thrown: unknown } = { is: "pending" };
  #settling: ReturnType<typeof setTimeout> | undefined;
  #extending: ReturnType<typeof setInterval> | undefined;
  readonly #applying = semaphore(1);
  #stopping = false;
  /** Somebody knows why the service could not be made as wanted. */
  #told = false;
  #over = false;
  #lingering: ReturnType<typeof setTimeout> | undefined;
  #turn = false;
  /** Milliseconds between a change and the look at it. */
  #pause = 0;

  constructor(engine: Engine, service: ServiceName, options: SuperviseOptions) {
    this.engine = engine;
    this.service = service;
    this.#options = options;
    const { cgroup, unit } = this.#run();
    this.#unit = unit;
    this.driver = new ServiceDriver({
      host: engine.host,
      durable: engine.durable,
      service,
      cgroup,
      onProgress: (progress) => this.#tell(progress),
      onChange: () => this.#changed(),
    });
  }

  async run(): Promise<number> {
    const { engine, service } = this;
    enterCgroup(`${this.#run().cgroup}/wherry`);
    this.#options.onTerminate(() => void this.terminate());
    this.#watchdog();
    this.#server = serve(controlSocket(engine.paths, service), (request, send, signal) => handleRequest(this, request, { send, signal }), () => this.#changed());
    engine.host.state.updateRun(service, { phase: "running" });
    void this.#applying.run(() => this.#applyRecorded());
    return await this.#ended.promise;
  }

  /** Takes over what there is, and makes what is recorded as wanted. What fails is told to whoever follows. */
  async #applyRecorded(): Promise<void> {
    try {
      await this.driver.recover();
      await this.#apply(() => this.plan(this.engine.durable.objects(this.service), false), { start: true });
    } catch (thrown) {
      this.#applied = { is: "failed", thrown };
    }
  }

  async apply({ record, objects, replace, start }: Extract<Request, { op: "apply" }>): Promise<void> {
    await this.#applying.run(() => this.#apply(() => {
      const plan = this.plan(objects, replace);
      recordWanted(this.engine, { record, objects });
      return plan;
    }, { start }));
  }

  async #apply(plan: () => Plan, options: { readonly start: boolean }): Promise<void> {
    this.#refuseWhenStopping();
    this.#applied = { is: "pending" };
    this.#told = false;
    try {
      await this.driver.apply(plan(), options);
      this.#applied = { is: "done" };
    } catch (thrown) {
      this.#applied = { is: "failed", thrown };
      throw thrown;
    } finally {
      this.#changed();
    }
  }

  applied(): boolean {
    this.#refuseWhenStopping();
    if (this.#applied.is === "failed") {
      this.#told = true;
      throw this.#applied.thrown;
    }
    return this.#applied.is === "done";
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) fail("conflict", `Cannot play "${this.service}": it is being taken down`, { code: "ESTOPPING", hint: "play it again when it is gone" });
  }

  /** Steps without `start`: which pods shall run is in their records already. By hand, what lives in the scope of a supervisor that was killed is adopted where it is. */
  plan(wanted: ReturnType<Engine["durable"]["objects"]>, replace: boolean): Plan {
    const { engine, service } = this;
    const cgroup = this.#unit === "" ? "" : this.#run().cgroup;
    const plan = planService({ wanted, recorded: engine.durable.objects(service), pods: this.driver.pods(), replace, restart: false, cgroup });
    return { ...plan, steps: plan.steps.filter((step) => step.verb !== "start") };
  }

  /** SIGTERM: stops all pods within their grace periods, then ends with status 0; with 1 when one could not be stopped. */
  async terminate(): Promise<void> {
    try {
      this.stopping();
      await this.driver.stop(this.driver.pods().map(({ uid }) => uid));
      this.end(0);
    } catch {
      this.end(1); // the pod's events say why
    }
  }

  stopping(): void {
    this.#stopping = true;
    this.driver.close();
    this.#extend(true);
    this.engine.host.state.updateRun(this.service, { phase: "stopping" });
    this.#options.notifier.send({ stopping: true, status: "stopping", extendTimeoutUsec: EXTEND_BY });
  }

  /** Ends the supervisor; pods that still exist live on. */
  end(exitCode: number): void {
    if (this.#over) return;
    this.#over = true;
    setImmediate(() => this.#ended.resolve(exitCode)); // after the answers of this turn
    this.engine.host.state.updateRun(this.service, { phase: "ended", exitCode, status: "" });
  }

  /** Calls `listener` with every progress message until the signal aborts. */
  listen(listener: (message: Message) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  /** Resolves when `reached` says so, which is asked after every change, or when the signal aborts. Fails with what it throws. */
  async until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    const done = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        if (reached()) done.resolve();
      } catch (thrown) {
        done.reject(thrown);
      }
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
      this.#lookSafely();
      this.#pause = (performance.now() - begun) * LOOK_SHARE;
    }, this.#pause);
  }

  /** What fails while looking keeps nobody from being supervised: it is looked again later. */
  #lookSafely(): void {
    if (this.#over) return;
    try {
      this.#look();
    } catch (thrown) {
      this.#tell({ what: `error: ${messageOf(thrown)}` });
      this.#timers.push(setTimeout(() => this.#changed(), LOOK_AGAIN));
    }
  }

  #look(): void {
    const { engine, service } = this;
    const pods = this.driver.pods();
    const status = statusOf(pods.map((record) => ({ record, containers: engine.host.state.containers(record.uid), pulling: this.driver.pulling(record.uid) })), { patient: this.#unit !== "" });
    this.#extend(status.busy || this.#stopping);
    if (status.text !== this.#status && !this.#stopping) {
      this.#status = status.text;
      const run = this.#run();
      const ready = status.ready && run.readyAt === 0 ? { readyAt: engine.host.now() } : {};
      engine.host.state.updateRun(service, { status: status.text, ...ready });
      this.#options.notifier.send({ status: status.text, ...(status.busy ? { extendTimeoutUsec: EXTEND_BY } : {}) });
    }
    for (const look of this.#changes) look();
    if (this.#stopping) {
      if (pods.length === 0) this.end(0);
    } else this.#finishWhen(this.#applied.is !== "pending" && allEnded(pods));
  }

  /** Ends when all pods have ended and no client waits for its answer any more, nor may one still come for it; or after a while. */
  #finishWhen(ended: boolean): void {
    clearTimeout(this.#lingering);
    clearTimeout(this.#settling);
    if (!ended) return;
    const answered = this.#told || this.#applied.is !== "failed";
    if (answered && (this.#server?.clients() ?? 0) === 0) return this.#finish();
    this.#lingering = setTimeout(() => this.#finish(), LINGER);
  }

  #finish(): void {
    const { engine, service } = this;
    const containers = this.driver.pods().flatMap((record) => engine.host.state.containers(record.uid));
    const status = exitStatus(engine.durable.service(service)?.options.exitPolicy ?? "none", containers);
    this.end(this.#applied.is === "failed" ? Math.max(1, status) : status);
  }

  /** Asks systemd for more time, again and again, while something is being started or stopped; no timer runs at idle. */
  #extend(busy: boolean): void {
    if (busy) this.#extending ??= setInterval(() => this.#options.notifier.send({ extendTimeoutUsec: EXTEND_BY }), EXTEND_EVERY);
    else if (this.#extending !== undefined) {
      clearInterval(this.#extending);
      this.#extending = undefined;
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => Bun.gc(true), SETTLE); // what the start took is given back before the long wait
    }
  }

  #watchdog(): void {
    const { watchdogUsec, notifier } = this.#options;
    if (watchdogUsec > 0) this.#timers.push(setInterval(() => notifier.send({ watchdog: true }), watchdogUsec / 2000));
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearInterval(this.#extending);
    clearTimeout(this.#lingering);
    clearTimeout(this.#settling);
    for (const timer of this.#timers) clearInterval(timer);
    this.#server?.close();
    this.driver[Symbol.dispose]();
  }
}
