/** postStart and preStop hooks (kubelet pkg/kubelet/lifecycle/handlers.go). */
import type { Container, ContainerId, LifecycleHandler } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { addressOf, AGENTS, OUTPUT_MAX, portOf } from "./probe.ts";
import { httpHook } from "./probeHttp.ts";
import type { PodHost } from "./pod.ts";

export interface HookRequest {
  readonly record: PodRecord;
  readonly container: Container;
  readonly id: ContainerId;
  /** Ends the hook, as a failure. */
  readonly signal: AbortSignal;
}

/** Resolves when the hook has ended well. It may take as long as it wants; of an HTTP answer the status does not count. */
export async function runHook({ runtime }: Pick<PodHost, "runtime">, handler: LifecycleHandler, { record, container, id, signal }: HookRequest): Promise<void> {
  if ("sleep" in handler) return await sleep(handler.sleep.seconds * 1000, signal);
  if ("httpGet" in handler) {
    const { host, port } = handler.httpGet;
    return await httpHook(handler.httpGet, { host: host ?? addressOf(record), port: portOf(container.ports, port), signal }, AGENTS.lifecycle);
  }
  const args = handler.exec.command;
  const ran = await runtime.run(id, { args, outputMax: OUTPUT_MAX, signal });
  if (ran.is === "refused") throw new Error(ran.message);
  if (ran.is === "killed") throw new Error(`command '${args.join(" ")}' was ended`);
  if (ran.status !== 0) throw new Error(`command '${args.join(" ")}' exited with ${ran.status}: ${ran.output}`);
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
