/** One probe of a container by its handler, made from outside of it, as the kubelet makes it (pkg/kubelet/prober/prober.go). */
import { messageOf } from "../base/errors.ts";
import type { Container, ContainerId, Probe } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { goDuration } from "./backoff.ts";
import { hostAddress } from "./hostAddress.ts";
import { grpcProbe } from "./probeGrpc.ts";
import { isUnreachable, probeInside } from "./probeInside.ts";
import { httpProbe, type Target, tcpProbe } from "./probeHttp.ts";
import type { PodHost } from "./pod.ts";
import type { ProbeResult } from "./prober.ts";
import type { Through } from "./throughUnix.ts";

/** The kubelet's names for itself, of the Kubernetes version whose behaviour wherry has. */
export const AGENTS = { probe: "kube-probe/1.34", lifecycle: "kube-lifecycle/1.34" } as const;

/** Bytes of a command's output that are kept. */
export const OUTPUT_MAX = 10 * 1024;
/** A probe that could not be made is tried so often before it is left until the next time. */
const TRIES = 3;

export interface ProbeRequest {
  readonly record: PodRecord;
  readonly container: Container;
  readonly id: ContainerId;
  readonly probe: Probe;
  readonly signal: AbortSignal;
}

/** What probes are made with. */
export type ProbingHost = Pick<PodHost, "runtime" | "paths" | "bridgeRequests">;

/** Never fails. Nothing of it is left when it resolves: no process, no connection. */
export async function runProbe(host: ProbingHost, request: ProbeRequest): Promise<ProbeResult> {
  let result: ProbeResult = { is: "error", message: "" };
  for (let tries = 0; tries < TRIES && result.is === "error" && !request.signal.aborted; tries++) {
    result = await probeOnce(host, request).catch((thrown: unknown): ProbeResult => ({ is: "error", message: messageOf(thrown) }));
  }
  return result;
}

async function probeOnce(host: ProbingHost, { record, container, id, probe, signal }: ProbeRequest): Promise<ProbeResult> {
  if ("exec" in probe) return await execProbe(host, { id, args: probe.exec.command, timeout: probe.timeoutSeconds * 1000, signal });
  const { ports } = container;
  if (isUnreachable(record)) return await probeInside(host, record, { request: { probe, ports }, signal });
  const made = { address: addressOf(record), ports, signal };
  return host.bridgeRequests !== undefined && record.network === "bridge" ? await host.bridgeRequests.probe(probe, made) : await networkProbe(probe, made);
}

/** How a probe or a hook over the network is made. */
export interface FromOutside {
  /** The pod's. */
  readonly address: string;
  readonly ports: Container["ports"];
  readonly signal: AbortSignal;
  readonly through?: Through;
}

/** A probe over the network of who calls. */
export async function networkProbe(probe: Probe, { address, ports, signal, through }: FromOutside): Promise<ProbeResult> {
  const to = (at: { readonly host?: string; readonly port: number | string }): Target =>
    ({ host: at.host ?? address, port: portOf(ports, at.port), timeout: probe.timeoutSeconds * 1000, signal, through });
  if ("httpGet" in probe) return await httpProbe(probe.httpGet, to(probe.httpGet), AGENTS.probe);
  if ("tcpSocket" in probe) return await tcpProbe(to(probe.tcpSocket));
  if ("grpc" in probe) return await grpcProbe(probe.grpc.service, to(probe.grpc), AGENTS.probe);
  return { is: "error", message: "it is no probe over the network" };
}

interface ExecProbe {
  readonly id: ContainerId;
  readonly args: readonly string[];
  readonly timeout: number;
  readonly signal: AbortSignal;
}

async function execProbe({ runtime }: Pick<PodHost, "runtime">, { id, args, timeout, signal }: ExecProbe): Promise<ProbeResult> {
  const ran = await runtime.run(id, { args, timeout, outputMax: OUTPUT_MAX, signal });
  if (ran.is === "refused") return { is: "error", message: ran.message };
  if (ran.is === "killed") return { is: "failure", output: `command timed out: "${args.join(" ")}" timed out after ${goDuration(timeout)}` };
  return ran.status === 0 ? { is: "success" } : { is: "failure", output: ran.output };
}

/** The pod's address as its probes use it: on the host's network the host's own. */
export function addressOf(record: PodRecord): string {
  if (record.network === "bridge") return record.ip;
  if (isUnreachable(record)) throw new Error("the pod has no network that can be reached from outside");
  return hostAddress();
}

/** A port of the container by number or name; `kube/` has checked that the name is there. */
export function portOf(ports: Container["ports"], port: number | string): number {
  if (typeof port === "number") return port;
  const found = ports.find(({ name }) => name === port);
  if (found === undefined) throw new Error(`strconv.Atoi: parsing "${port}": invalid syntax`);
  return found.containerPort;
}
