/** Probes and hooks over TCP: a connection, and a request as the kubelet makes it (pkg/probe/http, pkg/probe/tcp). */
import { isIPv6 } from "../base/addresses.ts";
import { errnoOf, messageOf } from "../base/errors.ts";
import type { HttpGetAction } from "../spec/spec.ts";
import { limited } from "./output.ts";
import type { ProbeResult } from "./prober.ts";
import type { Place, Through } from "./throughUnix.ts";

/** Where to, once a port's name has been looked up and the pod's address put in. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Milliseconds for all of it. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** How HTTP requests get there, when this thread's network is not the main thread's. */
  readonly through?: Through | undefined;
}

/** Bytes of an answer that are kept, and read (the kubelet's maxRespBodyLength). */
const BODY_MAX = 10 * 1024;
const REDIRECTS_MAX = 10;

export const hostPort = (host: string, port: number): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Success when the answer has status 200 to 399. Redirects are followed on the same host; one elsewhere is a success with a warning. */
export async function httpProbe(action: HttpGetAction, target: Target, agent: string): Promise<ProbeResult> {
  const first = urlOf(action, target);
  using ends = within(target);
  const { signal } = ends;
  let url = first;
  try {
    for (let redirects = 0; ; redirects++) {
      const answer = await get(url, { ...target, action, agent, signal });
      const location = locationIn(answer);
      const next = location === undefined ? undefined : new URL(location, url);
      if (next === undefined || next.hostname !== first.hostname) return await verdict(answer);
      if (redirects === REDIRECTS_MAX) return { is: "failure", output: `Get "${next}": stopped after ${REDIRECTS_MAX} redirects` };
      url = next;
    }
  } catch (thrown) {
    return { is: "failure", output: `Get "${url}": ${requestError(thrown, { url, signal })}` };
  }
}

/** A request whose answer does not matter, as the kubelet's hooks make it. An HTTPS one that meets plain HTTP is made again so. */
export async function httpHook(action: HttpGetAction, target: Omit<Target, "timeout">, agent: string): Promise<void> {
  const url = urlOf(action, target);
  using ends = within(target);
  const { signal } = ends;
  try {
    await get(url, { ...target, action, agent, signal });
  } catch (thrown) {
    if (action.scheme !== "HTTPS" || !PLAIN.test(`${errnoOf(thrown)} ${messageOf(thrown)}`)) throw new Error(`Get "${url}": ${requestError(thrown, { url, signal })}`, { cause: thrown });
    await get(urlOf({ ...action, scheme: "HTTP" }, target), { ...target, action, agent, signal });
  }
}

/**
 * A signal that ends with the time given or the signal given, and when it is disposed of: a connection whose body never
 * ends is let go then, and no timer is left to wake up for.
 */
function within({ timeout, signal }: { readonly timeout?: number; readonly signal: AbortSignal }): Disposable & { readonly signal: AbortSignal } {
  const ends = new AbortController();
  const end = (): void => ends.abort();
  const timer = timeout === undefined ? undefined : setTimeout(end, timeout);
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  return {
    signal: ends.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      end();
    },
  };
}

/** What a TLS client says of a server that speaks plain HTTP. */
const PLAIN = /WRONG_VERSION_NUMBER|SSL|TLS|HTTP_REQUEST/i;

function urlOf({ scheme, path }: HttpGetAction, { host, port }: Pick<Target, "host" | "port">): URL {
  const base = `${scheme.toLowerCase()}://${hostPort(host, port)}`;
  return URL.canParse(path, base) ? new URL(path.replace(/^\/+/, "/"), base) : new URL(encodeURI(path), base);
}

interface Get extends Pick<Target, "signal" | "through"> {
  readonly action: HttpGetAction;
  readonly agent: string;
}

async function get(url: URL, { action, agent, signal, through }: Get): Promise<Response> {
  const headers = new Headers();
  for (const { name, value } of action.httpHeaders) headers.append(name, value);
  if (!headers.has("User-Agent")) headers.set("User-Agent", agent);
  if (!headers.has("Accept")) headers.set("Accept", "*/*");
  headers.set("Connection", "close");
  const way = through === undefined ? {} : { unix: await through(placeOf(url), signal) };
  return await fetch(url, { headers, redirect: "manual", keepalive: false, decompress: false, tls: { rejectUnauthorized: false }, signal, ...way });
}

function placeOf(url: URL): Place {
  const standard = url.protocol === "https:" ? 443 : 80;
  return { hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port === "" ? standard : Number(url.port) };
}

/** Where a redirect leads. */
function locationIn({ status, headers }: Response): string | undefined {
  return [301, 302, 303, 307, 308].includes(status) ? (headers.get("Location") ?? undefined) : undefined;
}

async function verdict(response: Response): Promise<ProbeResult> {
  const { status } = response;
  if (status < 200 || status >= 400) return { is: "failure", output: `HTTP probe failed with statuscode: ${status}` };
  const body = response.body === null ? "" : await limited(response.body, BODY_MAX);
  return status < 300 ? { is: "success" } : { is: "success", warning: `Probe terminated redirects, Response body: ${body}` };
}

/** Success when something accepts the connection. */
export async function tcpProbe(target: Target): Promise<ProbeResult> {
  const done = Promise.withResolvers<ProbeResult>();
  const fails = (why: string): void => done.resolve({ is: "failure", output: `dial tcp ${hostPort(target.host, target.port)}: ${why}` });
  const { connect } = await import("node:net"); // only who uses it pays for it
  const socket = connect({ host: target.host, port: target.port });
  const timer = setTimeout(() => fails("i/o timeout"), target.timeout);
  const given = (): void => fails("operation was canceled");
  target.signal.addEventListener("abort", given, { once: true });
  socket.on("connect", () => done.resolve({ is: "success" }));
  socket.on("error", (thrown) => fails(dialError(thrown)));
  try {
    return await done.promise;
  } finally {
    clearTimeout(timer);
    target.signal.removeEventListener("abort", given);
    socket.destroy();
  }
}

/** An error of a connection in Go's words, which are those of the kubelet's events. */
export function dialError(thrown: unknown): string {
  const code = errnoOf(thrown) ?? "";
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connect: connection refused", EHOSTUNREACH: "connect: no route to host", ENETUNREACH: "connect: network is unreachable",
    ETIMEDOUT: "i/o timeout", ECONNRESET: "read: connection reset by peer", ENOTFOUND: "no such host", DNS_ENOTFOUND: "no such host",
  };
  return known[code] ?? messageOf(thrown);
}

function requestError(thrown: unknown, { url, signal }: { readonly url: URL; readonly signal: AbortSignal }): string {
  if (signal.aborted || (thrown instanceof Error && thrown.name === "TimeoutError")) return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  const code = errnoOf(thrown) ?? "";
  if (/ECONNRESET|ConnectionClosed|EOF/i.test(code)) return "EOF";
  if (/^E[A-Z]+$|^ConnectionRefused$|ENOTFOUND/.test(code)) return `dial tcp ${url.host.includes(":") ? url.host : `${url.host}:${url.protocol === "https:" ? 443 : 80}`}: ${dialError(code === "ConnectionRefused" ? { code: "ECONNREFUSED" } : thrown)}`;
  return messageOf(thrown);
}
