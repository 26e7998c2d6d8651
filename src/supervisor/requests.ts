/** What a supervisor does for each request of its socket. */
import { fail } from "../base/errors.ts";
import { isDecided, isImageFailure, isOpen, progressOf, type Progress } from "../pod/progress.ts";
import type { ServiceDriver } from "../service/driver.ts";
import type { Engine } from "../service/engine.ts";
import { type Signal, signalNamed } from "../spec/signals.ts";
import type { PodUid, ServiceName } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { podUid } from "../spec/spec.ts";
import { PROGRESS_DEADLINE, type Message, type Player, type Request, type WaitingPod } from "./protocol.ts";
import { waitingFor } from "./status.ts";

/** The supervisor as its requests see it. */
export interface Supervised {
  readonly driver: ServiceDriver;
  readonly engine: Engine;
  readonly service: ServiceName;
  /** Records what is wanted and does it, one at a time; resolves when the pods of it are recorded. */
  apply(request: Extract<Request, { op: "apply" }>): Promise<void>;
  /** The pods of the latest play are recorded; throws what kept them from it, or that the service is being taken down. */
  applied(): boolean;
  stopping(): void;
  end(exitCode: number): void;
  listen(listener: (message: Message) => void, signal: AbortSignal): void;
  until(reached: () => boolean, signal: AbortSignal): Promise<void>;
}

export interface Reply {
  readonly send: (message: Message) => void;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

export async function handleRequest(supervised: Supervised, request: Request, reply: Reply): Promise<void> {
  supervised.listen(reply.send, reply.signal);
  switch (request.op) {
    case "apply":
      return await apply(supervised, request, reply);
    case "follow":
      if (request.again) playedAgain(supervised, request.player);
      for (const what of supervised.engine.host.puller.underway()) reply.send({ type: "progress", what });
      return await follow(supervised, request.player, reply);
    case "condition":
      return supervised.driver.setCondition(podUid(request.uid), request);
    case "pods":
      return await changePods(supervised, request, reply);
    case "down":
      return await down(supervised, request.grace);
  }
}

async function apply(supervised: Supervised, request: Extract<Request, { op: "apply" }>, reply: Reply): Promise<void> {
  const { driver } = supervised;
  playedAgain(supervised, request.player);
  await supervised.apply(request);
  if (!request.start) return;
  driver.start(driver.pods().filter((pod) => pod.wanted === "stopped").map(({ uid }) => uid));
  await follow(supervised, request.player, reply);
}

/** Whoever plays may have mended what kept an image from coming, or a pod from being made. */
function playedAgain({ driver, engine }: Supervised, { imageEnvironment }: Player): void {
  engine.host.puller.use(imageEnvironment);
  driver.retry();
}

/**
 * Waits until every pod that shall run is ready, or cannot be (`isDecided`), or the time is over; fails with all that are
 * not, but tells those that only wait to be mended. For a unit, these are waited for and have failed when the time is
 * over, and what only waits for its image is waited for however long it takes.
 */
async function follow(supervised: Supervised, { patient, timeout }: Omit<Player, "imageEnvironment">, { signal, send }: Reply): Promise<void> {
  const { engine, service, driver } = supervised;
  const progress = (): readonly PodProgress[] => progressOfPods(engine, service, { patient, pulling: (uid) => driver.pulling(uid) });
  let last = progress();
  const late = (): boolean => last.some(({ progress: each }) => isOpen(each, patient) && !(patient && each.is === "pending" && each.image === true));
  const decided = (): boolean => supervised.applied() && isDecided((last = progress()).map((each) => each.progress), { patient });
  for (let waits = true; waits; ) waits = (await untilOver(supervised, decided, { signal, timeout })) && !late();
  if (!patient) for (const pod of last.flatMap(waitingPod)) send({ type: "waiting", ...pod });
  failUnstarted(last, service, { patient });
}

function waitingPod({ record, progress }: PodProgress): readonly WaitingPod[] {
  if (progress.is !== "waiting") return [];
  const { namespace, name } = record.pod.metadata;
  const { container, reason, message } = progress;
  return [{ namespace, pod: name, container, reason, message }];
}

/** True when the time was over first. */
async function untilOver(supervised: Supervised, reached: () => boolean, { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number }): Promise<boolean> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeout);
  try {
    await supervised.until(reached, AbortSignal.any([signal, over.signal]));
    return over.signal.aborted;
  } finally {
    clearTimeout(timer);
  }
}

export interface PodProgress {
  readonly record: PodRecord;
  readonly containers: readonly ContainerRecord[];
  readonly progress: Progress;
}

export interface FollowOptions {
  /** It is a unit that waits. */
  readonly patient: boolean;
  /** Containers of a pod that wait for their image. */
  readonly pulling: (uid: PodUid) => ReadonlyMap<string, string>;
}

/** How far the pods of a service that shall run have come. */
export function progressOfPods({ host: { state } }: Engine, service: ServiceName, { patient, pulling }: FollowOptions): readonly PodProgress[] {
  const wanted = state.pods({ service }).filter((record) => record.wanted === "running");
  return wanted.map((record) => {
    const containers = state.containers(record.uid);
    return { record, containers, progress: progressOf(record, containers, { patient, held: new Set(pulling(record.uid).keys()) }) };
  });
}

/** Fails with kind `failed` when a pod could not be started or is not ready, with one sentence for each; of a unit also when it waits to be mended. */
export function failUnstarted(pods: readonly PodProgress[], service: ServiceName, { patient }: Pick<FollowOptions, "patient">): void {
  const failures = pods.filter(({ progress }) => patient || progress.is !== "waiting").flatMap(failureSentence);
  if (failures.length === 0) return;
  const hint = pods.some(({ progress }) => isImageFailure(progress)) ? { hint: `the supervisor goes on trying: "wherry ps ${service}" shows it, "wherry down ${service}" ends it` } : {};
  fail("failed", `Cannot start ${failures.length} of ${pods.length} pods: ${failures.join("; ")}`, { code: "EPODFAILED", ...hint });
}

function failureSentence({ record, containers, progress }: PodProgress): readonly string[] {
  const { namespace, name } = record.pod.metadata;
  if (progress.is === "failed") return [`pod "${namespace}/${name}": ${progress.reason}: ${progress.message}`];
  if (progress.is === "started") return [];
  if (progress.is === "waiting") return [`pod "${namespace}/${name}": ProgressDeadlineExceeded: container "${progress.container}" waits: ${progress.reason}: ${progress.message}`];
  return [`pod "${namespace}/${name}": ProgressDeadlineExceeded: it is not ready: waiting for ${waitingFor({ record, containers, pulling: new Map() })}`];
}

async function changePods(supervised: Supervised, request: Extract<Request, { op: "pods" }>, { signal, send }: Reply): Promise<void> {
  const { driver, engine, service } = supervised;
  const uids: readonly PodUid[] = request.uids.map(podUid);
  switch (request.verb) {
    case "stop":
      return await driver.stop(uids, request.grace);
    case "start":
      driver.start(uids);
      break;
    case "restart":
      await driver.restart(uids, request.grace);
      break;
    case "kill":
      return await driver.kill(uids, signalName(request.signal ?? "SIGKILL"));
    case "remove":
      return await driver.remove(uids, request.grace);
  }
  const settled = (): boolean => uids.every((uid) => {
    const record = engine.host.state.pod(uid);
    return record === undefined || progressOf(record, engine.host.state.containers(uid), { held: new Set(driver.pulling(uid).keys()) }).is !== "pending";
  });
  await untilOver(supervised, settled, { signal, timeout: PROGRESS_DEADLINE });
  const now = progressOfPods(engine, service, { patient: false, pulling: (uid) => driver.pulling(uid) });
  for (const pod of now.filter(({ record }) => uids.includes(record.uid)).flatMap(waitingPod)) send({ type: "waiting", ...pod });
}

/** `KILL`, `sigkill`, `9`, `RTMIN+3`: a signal (signal(7)). Fails with kind `usage`. */
export const signalName = (text: string): Signal =>
  signalNamed(text) ?? fail("usage", `Cannot send "${text}": it must be a signal such as SIGHUP, USR1, 15 or SIGRTMIN+3`);

async function down(supervised: Supervised, grace: number | undefined): Promise<void> {
  const { driver } = supervised;
  supervised.stopping();
  await driver.remove(driver.pods().map(({ uid }) => uid), grace);
  supervised.end(0);
}
