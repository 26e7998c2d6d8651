/** `wherry probe`: the process that a supervisor probes a pod with from inside its network; not for people. */
import { messageOf } from "../../base/errors.ts";
import { networkProbe } from "../../pod/probe.ts";
import { parseInsideRequest } from "../../pod/probeInside.ts";
import type { ProbeResult } from "../../pod/prober.ts";
import type { Command, Outcome } from "../command.ts";
import type { Context } from "../context.ts";

export const command: Command = { options: [], words: [], run };

async function run(context: Context): Promise<Outcome> {
  const { probe, ports } = parseInsideRequest(await context.stdin.text());
  const { signal } = new AbortController(); // its time is limited; who gives it up kills this process
  const result = await networkProbe(probe, { address: "127.0.0.1", ports, signal }).catch((thrown: unknown): ProbeResult => ({ is: "error", message: messageOf(thrown) }));
  return { kind: "value", value: result };
}
