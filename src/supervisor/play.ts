/** Playing a manifest: through the service's supervisor when it has one, else by starting it. */
import { fail } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { controlSocket, serviceLog } from "../base/paths.ts";
import { endBackOffs } from "../pod/retry.ts";
import { conflicts } from "../service/conflicts.ts";
import { markStart } from "../service/driver.ts";
import type { Engine } from "../service/engine.ts";
import { createServiceContainer } from "../service/launch.ts";
import { commandTurn, endWithoutMonitor, supervised, type Owned } from "../service/own.ts";
import { boundClaims, recordWanted } from "../service/record.ts";
import { planService } from "../service/plan.ts";
import type { Plan, ServiceProgress, Wanted } from "../service/service.ts";
import type { PodUid, ServiceName } from "../spec/spec.ts";
import { textDigest } from "../state/sealed.ts";
import { ask, socketAppears, SUPERVISOR_GONE, type AskOptions } from "./client.ts";
import { refuseHeldPorts, refuseLowPorts } from "./ports.ts";
import { PROGRESS_DEADLINE, type Player, type WaitingPod } from "./protocol.ts";
import { failUnstarted, progressOfPods } from "./requests.ts";
import { startTurn, turnOf } from "./startTurn.ts";
import { askOrOwn, askUnlessGone, type Asking } from "./turn.ts";

export interface PlayRequest extends Wanted {
  readonly replace: boolean;
  /** Start what is created; without it pods are recorded and stay stopped. */
  readonly start: boolean;
  /** cgroup path of the service's base */
  readonly cgroup: string;
  /** Name of the unit that plays, or empty. */
  readonly unit: string;
  /** Environment for the supervisor: NOTIFY_SOCKET, WATCHDOG_USEC, and what pulls need. */
  readonly env: Readonly<Record<string, string>>;
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** Milliseconds after which a pod that is not ready is a failure; `PROGRESS_DEADLINE` when absent. */
  readonly timeout?: number;
  readonly onProgress: (progress: ServiceProgress) => void;
  /** Called, unless a unit plays, with every pod that nobody waits for any more because it waits to be mended. */
  readonly onWaiting?: (pod: WaitingPod) => void;
  /** Resolves when nobody waits any more for the pods to be started; asked for only then. */
  readonly interrupted?: () => Promise<void>;
  /** Called while a unit waits for its turn to start, at first and every ten seconds. */
  readonly onWait?: () => void;
  /** Called when every pod has been started, before the supervisor may end. */
  readonly onStarted: () => void;
}

/** What a play would do, from what is recorded now. Fails with kind `conflict` when another service, or another user, is in the way, `unavailable` when a host port is not for this user. */
export async function planPlay(engine: Engine, request: PlayRequest): Promise<Plan> {
  refuseLowPorts(engine, request);
  const plan = planFor(engine, request, await supervised(engine, request.record.name));
  await refuseHeldPorts(engine, request);
  return plan;
}

function planFor(engine: Engine, request: PlayRequest, isSupervised: boolean): Plan {
  const { durable, host: { state } } = engine;
  const service = request.record.name;
  if (isSupervised) refuseOtherUnit(engine, request);
  const others = state.pods().filter((pod) => pod.service !== service).map((pod) => ({ pod, ports: state.hostPorts(pod.uid) }));
  const found = conflicts(request.objects, others, durable.objects());
  if (found.length > 0) fail("conflict", `Cannot play "${service}": ${found.join("; ")}`, { code: "ECONFLICT", hint: "nothing was changed" });
  boundClaims(engine, request);
  return planService({
    wanted: request.objects,
    recorded: durable.objects(service),
    pods: state.pods({ service }),
    replace: request.replace,
    restart: !isSupervised,
    cgroup: request.unit === "" ? "" : request.cgroup,
  });
}

/** Does what `planPlay` has seen, and follows until every pod is ready. Fails with kind `failed` when one cannot be; the others go on. */
export async function play(engine: Engine, request: PlayRequest, seen: Plan): Promise<void> {
  const service = request.record.name;
  await endWithoutMonitor(engine, service);
  const options: AskOptions = { onProgress: request.onProgress, onWaiting: request.onWaiting, onDone: request.onStarted, interrupted: request.interrupted };
  const { record, objects, replace, start } = request;
  const player: Player = { imageEnvironment: request.imageEnvironment, patient: request.unit !== "", timeout: request.timeout ?? PROGRESS_DEADLINE };
  if (seen.unchanged && sameRecord(engine, request) && (await askUnlessGone(engine, { service, request: { op: "follow", player, again: true }, options }))) return;
  const asking: Asking = { service, request: { op: "apply", record, objects, replace, start, player }, options, cgroup: request.cgroup, onProgress: request.onProgress };
  if (await askUnlessGone(engine, asking)) return;
  await playUnsupervised(engine, request, { asking, player });
}

/** By starting a supervisor, unless another command has done so meanwhile. Units wait for their turn (`startTurn.ts`). */
async function playUnsupervised(engine: Engine, request: PlayRequest, { asking, player }: { readonly asking: Asking; readonly player: Player }): Promise<void> {
  const { service } = asking;
  using start = request.unit === "" || !request.start ? undefined : turnOf(engine, service, await startTurn(engine.paths, () => request.onWait?.()));
  const options: AskOptions = {
    ...asking.options,
    onProgress: (progress) => {
      start?.look();
      request.onProgress(progress);
    },
  };
  using turn = commandTurn(engine, service);
  using owned = await askOrOwn(engine, asking);
  if (owned === undefined) return;
  const plan = planFor(engine, request, false);
  prepare(engine, { request, plan, owned });
  if (request.start && request.objects.some(({ object }) => object.kind === "Pod")) await launch(engine, request, owned);
  else await owned.driver.apply(plan, { start: request.start });
  turn[Symbol.dispose]();
  if (request.start) await followStart(engine, { service, player }, options);
}

/** Nothing that is recorded of the service would change: neither its files and their text nor the options of the play. */
function sameRecord({ durable }: Engine, { record }: PlayRequest): boolean {
  const before = durable.service(record.name);
  const { files, texts, options } = record;
  if (before === undefined || !Bun.deepEquals({ files, options }, { files: before.files, options: before.options })) return false;
  return Bun.deepEquals(texts, before.texts) || Bun.deepEquals(texts.map(textDigest), before.texts);
}

/** A unit's processes must live in the unit's own cgroup, so it cannot take over what was started elsewhere. */
function refuseOtherUnit(engine: Engine, { record, unit, cgroup }: PlayRequest): void {
  const run = engine.host.state.run(record.name);
  if (unit === "" || run === undefined || (run.unit === unit && run.cgroup === cgroup)) return; // two managers may have units of one name
  fail("conflict", `Cannot play "${record.name}" in unit "${unit}": it runs already, ${run.unit === "" ? "played by hand" : `in unit "${run.unit}" (${run.cgroup})`}`, {
    hint: `take it down first: wherry down ${record.name}`,
  });
}

/** Writes what is wanted: the durable record, and into the pods' rows which of them go, which start again, and that none waits for its next try. */
function prepare(engine: Engine, { request, plan, owned }: { request: PlayRequest; plan: Plan; owned: Owned }): void {
  const { state } = engine.host;
  recordWanted(engine, request);
  for (const { verb, pod } of plan.steps) {
    if (pod === undefined) continue;
    if (verb === "remove" || verb === "replace") state.updatePod(pod.uid, { wanted: "removed" });
    if (verb === "start" && request.start) markStart(engine.host, pod);
  }
  if (!request.start) return;
  for (const { uid } of owned.driver.pods()) endBackOffs(state, uid);
  owned.driver[Symbol.dispose](); // the supervisor drives from here on
}

async function launch(engine: Engine, request: Pick<PlayRequest, "record" | "cgroup" | "unit" | "env">, owned: Owned): Promise<void> {
  const service = request.record.name;
  const run = await createServiceContainer(engine, service, request);
  owned.release();
  await engine.host.runtime.start(run.id);
  // All its pods can have ended, or been rejected, before anybody has seen its socket.
  const gone = engine.host.runtime.ended(run.bundle).then(() => {
    if (engine.host.state.run(service)?.phase !== "ended") supervisorGone(engine, service);
  });
  gone.catch(() => {}); // once the socket is there, its end is found out by asking
  await socketAppears(controlSocket(engine.paths, service), gone);
}

/** Fails with the last thing that the supervisor said. */
function supervisorGone({ paths }: Engine, service: ServiceName): never {
  const words = readIfExists(serviceLog(paths, service))?.trim().split("\n").at(-1)?.replace(/^\S+ \S+ [FP] /, "");
  fail("failed", `Cannot start "${service}": its supervisor ended${words === undefined || words === "" ? "" : `: ${words}`}`, { code: SUPERVISOR_GONE });
}

/** Follows the first start. A supervisor that has ended by now did so because all pods have: their records tell how. */
async function followStart(engine: Engine, { service, player }: { readonly service: ServiceName; readonly player: Player }, options: AskOptions): Promise<void> {
  if (await ask(controlSocket(engine.paths, service), { op: "follow", player, again: false }, options)) return;
  if (engine.host.state.run(service)?.phase !== "ended") supervisorGone(engine, service);
  failUnstarted(progressOfPods(engine, service, { patient: false, pulling: () => new Map() }), service, player);
  options.onDone?.();
}

/** Starts the service container of a service whose pods have been recorded, because one of them is to be started. */
export async function startPods(engine: Engine, owned: Owned, request: Pick<PlayRequest, "cgroup" | "unit" | "env" | "onProgress" | "onWaiting"> & { readonly service: ServiceName; readonly uids: readonly PodUid[] }): Promise<void> {
  const { service, uids } = request;
  const record = engine.durable.service(service) ?? fail("notFound", `Cannot start pods of "${service}": the service is not recorded`);
  for (const pod of owned.driver.pods()) if (uids.includes(pod.uid)) markStart(engine.host, pod);
  owned.driver[Symbol.dispose]();
  await launch(engine, { record, cgroup: request.cgroup, unit: request.unit, env: request.env }, owned);
  await followStart(engine, { service, player: { imageEnvironment: {}, patient: request.unit !== "", timeout: PROGRESS_DEADLINE } }, { onProgress: request.onProgress, onWaiting: request.onWaiting });
}
