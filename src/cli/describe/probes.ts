/** Probes and hooks of a container in kubectl's words (its DescribeProbe). Pure. */
import type { Container, HttpGetAction, LifecycleHandler, Probe, ProbeHandler } from "../../spec/spec.ts";
import { type Line, line } from "./lines.ts";

/** `Liveness:`, `Readiness:`, `Startup:`, and the hooks, each when there is one. */
export function probes({ livenessProbe, readinessProbe, startupProbe, lifecycle = {} }: Container): readonly Line[] {
  const given = <T>(label: string, value: T | undefined, words: (value: T) => string): readonly Line[] => (value === undefined ? [] : [line(label, words(value))]);
  return [
    ...given("Liveness", livenessProbe, probeWords),
    ...given("Readiness", readinessProbe, probeWords),
    ...given("Startup", startupProbe, probeWords),
    ...given("Post Start", lifecycle.postStart, hookWords),
    ...given("Pre Stop", lifecycle.preStop, hookWords),
    ...given("Stop Signal", lifecycle.stopSignal, (signal) => signal),
  ];
}

/** `http-get http://:8080/ delay=3s timeout=1s period=3s #success=1 #failure=3` */
export const probeWords = (probe: Probe): string =>
  `${handlerWords(probe)} delay=${probe.initialDelaySeconds}s timeout=${probe.timeoutSeconds}s period=${probe.periodSeconds}s #success=${probe.successThreshold} #failure=${probe.failureThreshold}`;

function handlerWords(handler: ProbeHandler): string {
  if ("exec" in handler) return `exec [${handler.exec.command.join(" ")}]`;
  if ("httpGet" in handler) return `http-get ${url(handler.httpGet)}`;
  if ("tcpSocket" in handler) return `tcp-socket ${handler.tcpSocket.host ?? ""}:${handler.tcpSocket.port}`;
  return `grpc <pod>:${handler.grpc.port} ${handler.grpc.service}`;
}

function hookWords(handler: LifecycleHandler): string {
  if ("sleep" in handler) return `sleep ${handler.sleep.seconds}s`;
  return "exec" in handler ? `exec [${handler.exec.command.join(" ")}]` : `http-get ${url(handler.httpGet)}`;
}

const url = ({ scheme, host = "", port, path }: HttpGetAction): string => `${scheme.toLowerCase()}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
