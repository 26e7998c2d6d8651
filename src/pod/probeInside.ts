/**
 * Probes and hooks over the network of a pod that nothing outside can reach (`--network none`): a process of wherry's
 * own, `wherry probe`, makes them in the pod's network namespace, at 127.0.0.1. All others are made from where we are.
 */
import { fail } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { podDirectory } from "../base/paths.ts";
import type { Container, HttpGetAction, Probe } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import type { PodHost } from "./pod.ts";
import type { ProbeResult } from "./prober.ts";

/** What `wherry probe` reads from its standard input. */
export type InsideRequest = { readonly ports: Container["ports"] } & ({ readonly probe: Probe } | { readonly hook: HttpGetAction });

/** Milliseconds that the process itself may take, beside the probe. */
const MARGIN = 5_000;
/** A hook is ended by who asked for it, and by nothing else: the longest time a timer can be set to. */
const UNLIMITED = 2 ** 31 - 1;

export const isUnreachable = ({ network }: Pick<PodRecord, "network">): boolean => network === "none";

/** Fails when the process cannot be started, or says nothing. */
export async function probeInside({ paths }: Pick<PodHost, "paths">, { uid }: Pick<PodRecord, "uid">, { request, signal }: { readonly request: InsideRequest; readonly signal: AbortSignal }): Promise<ProbeResult> {
  const { stdout } = await exec(["setpriv", "--pdeathsig", "KILL", "--", "nsenter", `--net=${podDirectory(paths, uid)}/netns`, "--", ...paths.self, "probe"], {
    stdin: JSON.stringify(request),
    timeout: "probe" in request ? request.probe.timeoutSeconds * 1000 + MARGIN : UNLIMITED,
    signal,
  });
  return parseProbeResult(stdout);
}

/** A result as `wherry probe` prints it. */
export function parseProbeResult(text: string): ProbeResult {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("is" in value)) fail("failed", `Cannot read a probe's result: it is "${text.slice(0, 80)}"`);
  if (value.is === "success") return "warning" in value ? { is: "success", warning: String(value.warning) } : { is: "success" };
  if (value.is === "failure" && "output" in value) return { is: "failure", output: String(value.output) };
  return { is: "error", message: "message" in value ? String(value.message) : "" };
}

/** The request as `probeInside` wrote it; both ends are this program. */
export function parseInsideRequest(text: string): InsideRequest {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("probe" in value || "hook" in value) || !("ports" in value)) fail("usage", "Cannot probe: there is no request on standard input");
  return value as InsideRequest; // parse function: both ends are this program, and its fields are there
}
