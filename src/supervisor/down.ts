/** Taking a service down, and changing single pods: through the supervisor when there is one, else in this process. */
import { WherryError } from "../base/errors.ts";
import type { Engine } from "../service/engine.ts";
import { commandTurn, endWithoutMonitor, takeDown } from "../service/own.ts";
import type { ServiceProgress } from "../service/service.ts";
import type { PodUid, ServiceName } from "../spec/spec.ts";
import { SUPERVISOR_DEAF } from "./client.ts";
import { startPods, type PlayRequest } from "./play.ts";
import type { PodCondition, PodVerb, Request } from "./protocol.ts";
import { signalName } from "./requests.ts";
import { askOrOwn, askUnlessGone } from "./turn.ts";

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
  const { grace, onProgress } = options;
  const asking = { service, request: downRequest(grace), options: { onProgress }, cgroup: engine.host.state.run(service)?.cgroup ?? "", onProgress };
  using owned = await askOrOwn(engine, asking) ?? await askOrOwn(engine, asking); // a supervisor that did it has ended then
  if (owned !== undefined) await takeDown(engine, owned, { service, grace });
}

const downRequest = (grace: number | undefined): Request => ({ op: "down", ...(grace === undefined ? {} : { grace }) });

async function downBySupervisor(engine: Engine, service: ServiceName, { grace, onProgress }: DownOptions): Promise<void> {
  const run = engine.host.state.run(service);
  await endWithoutMonitor(engine, service);
  try {
    const asked = await askUnlessGone(engine, { service, request: downRequest(grace), options: { onProgress } });
    if (asked && run !== undefined) await engine.host.runtime.ended(run.bundle);
  } catch (thrown) {
    const hangs = thrown instanceof WherryError && thrown.code === SUPERVISOR_DEAF;
    if (!hangs || run === undefined) throw thrown;
    await engine.host.runtime.remove(run.id, run.bundle);
  } // it is gone: this process goes on
}

export interface ChangeRequest extends Pick<PlayRequest, "cgroup" | "unit" | "env" | "onProgress" | "onWaiting"> {
  readonly service: ServiceName;
  readonly verb: PodVerb;
  readonly uids: readonly PodUid[];
  readonly grace?: number;
  readonly signal?: string;
}

/** Changes pods of one service. Starting a pod of a stopped service starts the service container first. */
export async function changePods(engine: Engine, request: ChangeRequest): Promise<void> {
  const { service, verb, uids, grace, signal, onProgress, onWaiting } = request;
  const message = { op: "pods", verb, uids, ...(grace === undefined ? {} : { grace }), ...(signal === undefined ? {} : { signal }) } as const;
  const asking = { service, request: message, options: { onProgress, onWaiting }, cgroup: request.cgroup, onProgress };
  await endWithoutMonitor(engine, service);
  if (await askUnlessGone(engine, asking)) return;
  using _turn = commandTurn(engine, service);
  using owned = await askOrOwn(engine, asking);
  if (owned === undefined) return;
  if (verb === "restart") await owned.driver.stop(uids, grace);
  if (verb === "start" || verb === "restart") return await startPods(engine, owned, request);
  if (verb === "stop") await owned.driver.stop(uids, grace);
  if (verb === "kill") await owned.driver.kill(uids, signalName(signal ?? "SIGKILL"));
  if (verb === "remove") await owned.driver.remove(uids, grace);
}

/** Sets a condition that a readiness gate of a pod waits for; the pod's own supervisor sees it at once. */
export async function setCondition(engine: Engine, request: Pick<ChangeRequest, "service" | "cgroup" | "onProgress"> & { readonly uid: PodUid; readonly condition: PodCondition }): Promise<void> {
  const { service, uid, condition, onProgress } = request;
  const asking = { service, request: { op: "condition", uid, ...condition } as const, options: { onProgress }, cgroup: request.cgroup, onProgress };
  await endWithoutMonitor(engine, service);
  if (await askUnlessGone(engine, asking)) return;
  using _turn = commandTurn(engine, service);
  using owned = await askOrOwn(engine, asking);
  owned?.driver.setCondition(uid, condition);
}
