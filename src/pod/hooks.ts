/** postStart and preStop hooks (kubelet pkg/kubelet/lifecycle/handlers.go). */
import { messageOf } from "../base/errors.ts";
import type { Container, ContainerId, HttpGetAction, LifecycleHandler } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { addressOf, AGENTS, OUTPUT_MAX, portOf, type FromOutside, type ProbingHost } from "./probe.ts";
import { httpHook } from "./probeHttp.ts";
import { isUnreachable, probeInside } from "./probeInside.ts";

export interface HookRequest {
  readonly record: PodRecord;
  readonly container: Container;
  readonly id: ContainerId;
  /** Ends the hook, as a failure. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the hook has ended: with nothing when it has ended well, else with what the kubelet says of that. It may
 * take as long as it wants; of an HTTP answer the status does not count.
 */
export async function runHook(host: ProbingHost, handler: LifecycleHandler, request: HookRequest): Promise<string | undefined> {
  try {
    const failure = await attempt(host, handler, request);
    return failure === undefined ? undefined : sentence(handler, request, failure);
  } catch (thrown) {
    return sentence(handler, request, { error: messageOf(thrown) });
  }
}

interface Failure {
  readonly error: string;
  readonly output?: string;
}

function sentence(handler: LifecycleHandler, { record: { uid, pod: { metadata } }, container }: HookRequest, { error, output = "" }: Failure): string {
  const where = `for Container "${container.name}" in Pod "${metadata.name}_${metadata.namespace}(${uid})" failed - error: ${error}`;
  if ("exec" in handler) return `Exec lifecycle hook ([${handler.exec.command.join(" ")}]) ${where}, message: ${JSON.stringify(output)}`;
  return "httpGet" in handler ? `HTTP lifecycle hook (${handler.httpGet.path}) ${where}` : `Sleep lifecycle hook (${handler.sleep.seconds}) ${where}`;
}

async function attempt(host: ProbingHost, handler: LifecycleHandler, asked: HookRequest): Promise<Failure | undefined> {
  const { id, signal } = asked;
  if ("sleep" in handler) {
    await sleep(handler.sleep.seconds * 1000, signal);
    return undefined;
  }
  if ("httpGet" in handler) return await request(host, handler.httpGet, asked);
  const args = handler.exec.command;
  const ran = await host.runtime.run(id, { args, outputMax: OUTPUT_MAX, signal });
  if (ran.is === "refused") return { error: ran.message };
  if (ran.is === "killed") return { error: `command '${args.join(" ")}' was ended` };
  return ran.status === 0 ? undefined : { error: `command '${args.join(" ")}' exited with ${ran.status}: ${ran.output}`, output: ran.output };
}

/** From inside the pod's own network when nothing outside can reach it. */
async function request(host: ProbingHost, action: HttpGetAction, { record, container: { ports }, signal }: HookRequest): Promise<Failure | undefined> {
  if (!isUnreachable(record)) {
    const made = { address: addressOf(record), ports, signal };
    await (host.bridgeRequests !== undefined && record.network === "bridge" ? host.bridgeRequests.hook(action, made) : networkHook(action, made));
    return undefined;
  }
  const result = await probeInside(host, record, { request: { hook: action, ports }, signal });
  if (result.is === "success") return undefined;
  return { error: result.is === "failure" ? result.output : result.message };
}

/** A hook over the network of who calls. */
export async function networkHook(action: HttpGetAction, { address, ports, signal, through }: FromOutside): Promise<void> {
  await httpHook(action, { host: action.host ?? address, port: portOf(ports, action.port), signal, through }, AGENTS.lifecycle);
}

async function sleep(time: number, signal: AbortSignal): Promise<void> {
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(done.resolve, time);
  const give = (): void => done.reject(new Error("the sleep was ended"));
  signal.addEventListener("abort", give, { once: true });
  if (signal.aborted) give();
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", give);
  }
}
