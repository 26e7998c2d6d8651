/** Taking a service down, and changing single pods: through the supervisor when there is one, else in this process. */
import { WherryError, fail } from "../base/errors.ts";
import { controlSocket } from "../base/paths.ts";
import type { Engine } from "../service/engine.ts";
import { commandTurn, endWithoutMonitor, own, takeDown } from "../service/own.ts";
import type { ServiceProgress } from "../service/service.ts";
import type { PodUid, ServiceName } from "../spec/spec.ts";
import { ask, SUPERVISOR_DEAF, SUPERVISOR_GONE } from "./client.ts";
import { startPods, type PlayRequest } from "./play.ts";
import type { PodVerb } from "./protocol.ts";
import { signalName } from "./requests.ts";

export interface DownOptions {
  /** Seconds in place of the pods' own grace periods. */
  readonly grace?: number;
  readonly onProgress: (progress: ServiceProgress) => void;
}

/** Stops and removes everything of a service but its volumes; resolves when nothing of it is left. Nothing there is success. */
export async function down(engine: Engine, service: ServiceName, options: DownOptions): Promise<void> {
  await downBySupervisor(engine, service, options);
  using _turn = commandTurn(engine, service);
  await downBySupervisor(engine, service, options); // one that started while this command waited for its turn
  if (!(await takeDown(engine, service, options))) {
    fail("unavailable", `Cannot take down "${service}": its supervisor is alive and does not answer`, { hint: "end it by its pid (wherry inspect shows it), then try again" });
  }
}

async function downBySupervisor(engine: Engine, service: ServiceName, { grace, onProgress }: DownOptions): Promise<void> {
  const run = engine.host.state.run(service);
  await endWithoutMonitor(engine, service);
  try {
    const asked = await ask(controlSocket(engine.paths, service), { op: "down", ...(grace === undefined ? {} : { grace }) }, { onProgress });
    if (asked && run !== undefined) await engine.host.runtime.ended(run.bundle);
  } catch (thrown) {
    if (!(thrown instanceof WherryError)) throw thrown;
    if (thrown.code === SUPERVISOR_DEAF && run !== undefined) await engine.host.runtime.remove(run.id, run.bundle); // it hangs
    else if (thrown.code !== SUPERVISOR_GONE) throw thrown;
  } // it is gone: this process goes on
}

export interface ChangeRequest extends Pick<PlayRequest, "cgroup" | "unit" | "env" | "onProgress"> {
  readonly service: ServiceName;
  readonly verb: PodVerb;
  readonly uids: readonly PodUid[];
  readonly grace?: number;
  readonly signal?: string;
}

/** Changes pods of one service. Starting a pod of a stopped service starts the service container first. */
export async function changePods(engine: Engine, request: ChangeRequest): Promise<void> {
  const { service, verb, uids, grace, signal, onProgress } = request;
  const socket = controlSocket(engine.paths, service);
  const message = { op: "pods", verb, uids, ...(grace === undefined ? {} : { grace }), ...(signal === undefined ? {} : { signal }) } as const;
  await endWithoutMonitor(engine, service);
  if (await ask(socket, message, { onProgress })) return;
  using _turn = commandTurn(engine, service);
  if (await ask(socket, message, { onProgress })) return;
  if (verb === "start" || verb === "restart") return await startPods(engine, request);
  using owned = await own(engine, service, request);
  if (owned === undefined) fail("unavailable", `Cannot ${verb} pods of "${service}": its supervisor is alive and does not answer`);
  if (verb === "stop") await owned.driver.stop(uids, grace);
  if (verb === "kill") await owned.driver.kill(uids, signalName(signal ?? "SIGKILL"));
  if (verb === "remove") await owned.driver.remove(uids, grace);
}
