/** `wherry probe`: the process that a supervisor probes a pod with, or calls its hooks, from inside its network; not for people. */
import { messageOf } from "../../base/errors.ts";
import { networkProbe } from "../../pod/probe.ts";
import { networkHook } from "../../pod/hooks.ts";
import { type InsideRequest, parseInsideRequest } from "../../pod/probeInside.ts";
import type { ProbeResult } from "../../pod/prober.ts";
import type { Command, Outcome } from "../command.ts";
import type { Context } from "../context.ts";

export const command: Command = { options: [], words: [], run };

async function run(context: Context): Promise<Outcome> {
  const result = await answer(parseInsideRequest(await context.stdin.text())).catch((thrown: unknown): ProbeResult => ({ is: "error", message: messageOf(thrown) }));
  return { kind: "value", value: result };
}

async function answer(request: InsideRequest): Promise<ProbeResult> {
  const { signal } = new AbortController(); // who gives it up kills this process
  const from = { address: "127.0.0.1", ports: request.ports, signal };
  if ("probe" in request) return await networkProbe(request.probe, from);
  await networkHook(request.hook, from);
  return { is: "success" };
}
