/** Probes and lifecycle hooks of a container (core/v1 `validateProbe`, `validateHandler`). */
import type { Container, ExecAction, HttpGetAction, Lifecycle, LifecycleHandler, Probe, ProbeHandler, TcpSocketAction } from "../spec/spec.ts";
import { onlyOne } from "./choice.ts";
import { complain, complainMissing, field, items, number, text, what, type Cursor } from "./cursor.ts";
import { COUNT, PORT, SECONDS, SOME_SECONDS, wholeNumber } from "./numbers.ts";
import { present } from "./present.ts";
import { follows, optionalText, RULES } from "./rules.ts";
import { didYouMean } from "./suggest.ts";
import { quoted } from "./tree.ts";

type Probes = Pick<Container, "livenessProbe" | "readinessProbe" | "startupProbe" | "lifecycle">;

/** Names of the container's ports: what a handler may name. */
export interface HandlerOptions {
  readonly ports: readonly string[];
}

/** All probes and hooks of a container. */
export function readProbes(container: Cursor, options: HandlerOptions): Probes {
  const at = (name: string): Cursor | undefined => field(container, name);
  return {
    ...present("livenessProbe", readProbe(at("livenessProbe"), { ...options, once: true, grace: true })),
    ...present("readinessProbe", readProbe(at("readinessProbe"), { ...options, once: false, grace: false })),
    ...present("startupProbe", readProbe(at("startupProbe"), { ...options, once: true, grace: true })),
    ...present("lifecycle", readLifecycle(at("lifecycle"), options)),
  };
}

interface ProbeRules extends HandlerOptions {
  /** One success is enough: it cannot be said otherwise. */
  readonly once: boolean;
  /** It ends the container, and may say how long that may take. */
  readonly grace: boolean;
}

function readProbe(probe: Cursor | undefined, rules: ProbeRules): Probe | undefined {
  if (probe === undefined) return undefined;
  const success = wholeNumber(probe, "successThreshold", COUNT) ?? 1;
  const threshold = field(probe, "successThreshold");
  if (rules.once && success !== 1 && threshold !== undefined) complain(threshold, { code: "value", message: `is ${success}, should be 1 for this probe` });
  const grace = wholeNumber(probe, "terminationGracePeriodSeconds", SOME_SECONDS);
  const graceAt = field(probe, "terminationGracePeriodSeconds");
  if (!rules.grace && graceAt !== undefined) complain(graceAt, { code: "value", message: "is given, should not be: a readiness probe ends nothing" });
  const handler = readProbeHandler(probe, rules);
  if (handler === undefined) return undefined;
  return {
    ...handler,
    initialDelaySeconds: wholeNumber(probe, "initialDelaySeconds", SECONDS) ?? 0,
    timeoutSeconds: wholeNumber(probe, "timeoutSeconds", SOME_SECONDS) ?? 1,
    periodSeconds: wholeNumber(probe, "periodSeconds", SOME_SECONDS) ?? 10,
    successThreshold: success,
    failureThreshold: wholeNumber(probe, "failureThreshold", COUNT) ?? 3,
    ...present("terminationGracePeriodSeconds", grace),
  };
}

function readProbeHandler(probe: Cursor, options: HandlerOptions): ProbeHandler | undefined {
  const handler = onlyOne(probe, ["exec", "httpGet", "tcpSocket", "grpc"]);
  if (handler === undefined) return undefined;
  const { name, cursor } = handler;
  if (name === "exec") return { exec: readExec(cursor) };
  if (name === "httpGet") return wrap("httpGet", readHttpGet(cursor, options));
  if (name === "tcpSocket") return wrap("tcpSocket", readTcpSocket(cursor, options));
  const port = wholeNumber(cursor, "port", PORT);
  return port === undefined ? undefined : { grpc: { port, service: text(field(cursor, "service")) ?? "" } };
}

function wrap<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]: V } | undefined {
  if (value === undefined) return undefined;
  return { [key]: value } as { readonly [P in K]: V }; // a computed key widens to string; it is K
}

function readExec(cursor: Cursor): ExecAction {
  const command = items(field(cursor, "command")).map((item) => text(item) ?? "");
  if (command.length === 0) complainMissing(cursor, "command", "should hold at least the program");
  return { command };
}

function readHttpGet(cursor: Cursor, options: HandlerOptions): HttpGetAction | undefined {
  const port = readPort(cursor, options);
  const scheme = text(field(cursor, "scheme"));
  const path = text(field(cursor, "path")) || "/";
  const httpHeaders = items(field(cursor, "httpHeaders")).map((header) => {
    const name = field(header, "name");
    if (name !== undefined) follows(name, RULES.headerName);
    return { name: text(name) ?? "", value: text(field(header, "value")) ?? "" };
  });
  if (port === undefined) return undefined;
  return { ...present("host", optionalText(cursor, "host")), port, path: path.startsWith("/") ? path : `/${path}`, scheme: scheme === "HTTPS" ? "HTTPS" : "HTTP", httpHeaders };
}

function readTcpSocket(cursor: Cursor, options: HandlerOptions): TcpSocketAction | undefined {
  const port = readPort(cursor, options);
  return port === undefined ? undefined : { ...present("host", optionalText(cursor, "host")), port };
}

/** A number, also in quotes, or the name of a port of the container. */
function readPort(cursor: Cursor, { ports }: HandlerOptions): number | string | undefined {
  const found = field(cursor, "port");
  const name = text(found);
  if (found === undefined || name === undefined) {
    if (number(found) === undefined && found !== undefined) complain(found, { code: "type", message: `is ${what(found)}, should be the number or the name of a port` });
    return wholeNumber(cursor, "port", PORT);
  }
  if (ports.includes(name)) return name;
  if (/^\d+$/.test(name)) {
    const value = Number(name);
    if (value >= 1 && value <= 65535) return value;
    complain(found, { code: "value", message: `is ${quoted(name)}, should be 1 to 65535` });
    return undefined;
  }
  complain(found, { code: "reference", message: `is ${quoted(name)}, should be the name of a port of the container, or a number`, hint: didYouMean(name, ports) });
  return undefined;
}

function readLifecycle(lifecycle: Cursor | undefined, options: HandlerOptions): Lifecycle | undefined {
  if (lifecycle === undefined) return undefined;
  const signal = field(lifecycle, "stopSignal");
  if (signal !== undefined) follows(signal, RULES.signal);
  return {
    ...present("postStart", readHook(field(lifecycle, "postStart"), options)),
    ...present("preStop", readHook(field(lifecycle, "preStop"), options)),
    ...present("stopSignal", text(signal)),
  };
}

function readHook(hook: Cursor | undefined, options: HandlerOptions): LifecycleHandler | undefined {
  const handler = hook === undefined ? undefined : onlyOne(hook, ["exec", "httpGet", "sleep"]);
  if (handler === undefined) return undefined;
  const { name, cursor } = handler;
  if (name === "exec") return { exec: readExec(cursor) };
  if (name === "httpGet") return wrap("httpGet", readHttpGet(cursor, options));
  const seconds = wholeNumber(cursor, "seconds", SECONDS);
  return seconds === undefined ? undefined : { sleep: { seconds } };
}
