/**
 * Changing a service that has no supervisor: the command takes the locks and runs the supervisor's own code in its own
 * process. `commandLock` keeps two commands apart and is held by `play` until the new supervisor listens; `serviceLock`
 * is the supervisor's, held for its life, so getting it proves that there is none.
 */
import { commandLock, serviceLock } from "../base/paths.ts";
import { acquire, type Lock } from "../base/locks.ts";
import { fail, messageOf } from "../base/errors.ts";
import type { ServiceName } from "../spec/spec.ts";
import { ServiceDriver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { removeServiceContainer } from "./launch.ts";
import { removeOrphans } from "./orphans.ts";
import type { ServiceProgress } from "./service.ts";

/** Waits for its turn among the commands of this service. */
export function commandTurn(engine: Engine, service: string): Lock {
  return acquire(commandLock(engine.paths, service), { wait: true }) ?? fail("conflict", `Cannot lock service "${service}"`);
}

export interface Owned extends Disposable {
  readonly driver: ServiceDriver;
  /** Lets the supervisor in. */
  release(): void;
}

/**
 * Becomes the owner of a service. Undefined when a supervisor holds the lock. What an earlier owner left half-way is
 * finished or undone pod by pod: it is the first thing that the driver does with each that it is asked to change.
 */
export async function own(engine: Engine, service: ServiceName, options: { readonly cgroup: string; readonly onProgress: (progress: ServiceProgress) => void }): Promise<Owned | undefined> {
  const lock = acquire(serviceLock(engine.paths, service), { wait: false });
  if (lock === undefined) return undefined;
  const driver = new ServiceDriver({ host: engine.host, durable: engine.durable, service, cgroup: options.cgroup, onProgress: options.onProgress, onChange: () => {} });
  const owned: Owned = {
    driver,
    release: () => lock[Symbol.dispose](),
    [Symbol.dispose]() {
      driver[Symbol.dispose]();
      lock[Symbol.dispose]();
    },
  };
  // What nobody has a record of belongs to no service, and must not keep one from being changed.
  await removeOrphans(engine).catch((thrown: unknown) => options.onProgress({ what: `warning: ${messageOf(thrown)}` }));
  return owned;
}

/** A supervisor of the service is alive: its monitor is, and it has not recorded its end. */
export async function supervised({ host }: Engine, service: ServiceName): Promise<boolean> {
  const run = host.state.run(service);
  return run !== undefined && run.phase !== "ended" && (await host.runtime.observe(run.id, run.bundle)).monitored;
}

/**
 * Ends a supervisor whose monitor is gone: nobody passes its end on any more, and a unit has taken it for dead. Its
 * pods live on, as after any other end of a supervisor.
 */
export async function endWithoutMonitor({ host }: Engine, service: ServiceName): Promise<void> {
  const run = host.state.run(service);
  if (run === undefined || run.monitorPid === 0) return; // still being made, by who holds the locks
  const { monitored, status } = await host.runtime.observe(run.id, run.bundle);
  if (!monitored && status !== "absent") await host.runtime.remove(run.id, run.bundle);
}

/** Takes everything of a service away but its volumes. */
export async function takeDown(engine: Engine, owned: Owned, { service, grace }: { readonly service: ServiceName; readonly grace: number | undefined }): Promise<void> {
  await owned.driver.remove(owned.driver.pods().map(({ uid }) => uid), grace);
  await removeServiceContainer(engine, service);
  engine.durable.removeService(service);
}
