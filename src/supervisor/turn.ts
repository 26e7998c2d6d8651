/**
 * Who changes a service: its supervisor when it has one, else the command itself. A supervisor that is just coming up or
 * just ending neither listens nor lets go of the lock: it is waited for.
 */
import { watch } from "node:fs";
import { dirname } from "node:path";
import { fail, unless, WherryError } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { controlSocket, serviceLock } from "../base/paths.ts";
import type { Engine } from "../service/engine.ts";
import { own, type Owned } from "../service/own.ts";
import type { ServiceProgress } from "../service/service.ts";
import type { ServiceName } from "../spec/spec.ts";
import { ask, SUPERVISOR_GONE, type AskOptions } from "./client.ts";
import type { Request } from "./protocol.ts";

/** Milliseconds in which a supervisor has come so far as to listen, or has ended. */
const PATIENCE = 15_000;

export interface Asking {
  readonly service: ServiceName;
  readonly request: Request;
  readonly options: AskOptions;
  readonly cgroup: string;
  readonly onProgress: (progress: ServiceProgress) => void;
}

/** As `ask`, but one that ends before the answer counts as none: what it was asked for can be asked for again. */
export async function askUnlessGone(engine: Engine, { service, request, options }: Pick<Asking, "service" | "request" | "options">): Promise<boolean> {
  try {
    return await ask(controlSocket(engine.paths, service), request, options);
  } catch (thrown) {
    if (thrown instanceof WherryError && thrown.code === SUPERVISOR_GONE) return false;
    throw thrown;
  }
}

/** Asks the supervisor and returns undefined when it is done; owns the service when there is none. The caller has its turn. */
export async function askOrOwn(engine: Engine, asking: Asking): Promise<Owned | undefined> {
  const { service } = asking;
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const settled = settling(engine, service, deadline - performance.now());
    try {
      if (await askUnlessGone(engine, asking)) return undefined;
      const owned = await own(engine, service, asking);
      if (owned !== undefined) return owned;
      if (performance.now() > deadline) break;
      await settled.wait();
    } finally {
      settled.cancel();
    }
  }
  fail("unavailable", `Cannot change "${service}": its supervisor is alive and does not listen`, { hint: `wherry down ${service} ends it` });
}

/** Waits until a socket appears or the lock is free, or the time is over. What happens after this call is not missed. */
function settling({ paths }: Engine, service: ServiceName, time: number): { wait(): Promise<void>; cancel(): void } {
  const over = new AbortController();
  const appeared = Promise.withResolvers<void>();
  unless("ENOENT", () => void watch(dirname(controlSocket(paths, service)), { signal: over.signal }, () => appeared.resolve()), undefined);
  return {
    async wait() {
      const free = exec(["flock", "--shared", serviceLock(paths, service), "true"], { allowFailure: true, timeout: Math.max(1000, time), signal: over.signal });
      await Promise.race([appeared.promise, Promise.allSettled([free])]);
    },
    cancel: () => over.abort(),
  };
}
