/**
 * The probe of grpc.health.v1: one call of Health/Check over unencrypted HTTP/2 (pkg/probe/grpc). The call has one small
 * message in and one out, which need no library.
 */
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { messageOf } from "../base/errors.ts";
import { goDuration } from "./backoff.ts";
import { dialError, hostPort, type Target } from "./probeHttp.ts";
import type { ProbeResult } from "./prober.ts";

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
/** gRPC status codes that are told apart, and their names. */
const CODES = ["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"] as const;

type Outcome = { readonly is: "answered"; readonly code: number; readonly message: string; readonly body: Buffer } | { readonly is: "undone"; readonly why: string };

/** Success when the service says SERVING. */
export async function grpcProbe(service: string, target: Target, agent: string): Promise<ProbeResult> {
  const outcome = await call(service, target, agent);
  if (outcome.is === "undone") return { is: "failure", output: outcome.why };
  const { code, message, body } = outcome;
  if (CODES[code] === "Unimplemented") return { is: "failure", output: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}` };
  if (CODES[code] === "DeadlineExceeded") return { is: "failure", output: rpcTimeout(target) };
  if (code !== 0) return { is: "failure", output: `error: health rpc probe failed: rpc error: code = ${CODES[code] ?? code} desc = ${message}` };
  const status = servingStatus(body);
  return status === 1 ? { is: "success" } : { is: "failure", output: `service unhealthy (responded with "${STATUSES[status] ?? status}")` };
}

const rpcTimeout = ({ timeout }: Target): string => `timeout: health rpc did not complete within ${goDuration(timeout)}`;

async function call(service: string, target: Target, agent: string): Promise<Outcome> {
  const { connect } = await import("node:http2"); // only who uses it pays for it
  const done = Promise.withResolvers<Outcome>();
  const undone = (why: string): void => done.resolve({ is: "undone", why });
  const address = hostPort(target.host, target.port);
  const session = connect(`http://${address}`);
  let connected = false;
  const late = (): void => undone(connected ? rpcTimeout(target) : `timeout: failed to connect service "${address}" within ${goDuration(target.timeout)}: context deadline exceeded`);
  const timer = setTimeout(late, target.timeout);
  const given = (): void => undone("context canceled");
  target.signal.addEventListener("abort", given, { once: true });
  session.on("connect", () => (connected = true));
  session.on("error", (thrown) => undone(`error: failed to connect service at "${address}": connection error: desc = "transport: Error while dialing: dial tcp ${address}: ${dialError(thrown)}"`));
  session.on("close", () => undone("error: health rpc probe failed: rpc error: code = Unavailable desc = connection closed"));
  try {
    request(session, { service, agent, authority: address }, done.resolve);
    return await done.promise;
  } finally {
    clearTimeout(timer);
    target.signal.removeEventListener("abort", given);
    session.destroy();
  }
}

function request(session: ClientHttp2Session, { service, agent, authority }: { readonly service: string; readonly agent: string; readonly authority: string }, resolve: (outcome: Outcome) => void): void {
  const stream = session.request({
    ":method": "POST", ":scheme": "http", ":path": "/grpc.health.v1.Health/Check", ":authority": authority,
    "content-type": "application/grpc", te: "trailers", "user-agent": agent,
  });
  const parts: Buffer[] = [];
  let size = 0;
  let headers: IncomingHttpHeaders = {};
  stream.on("response", (answer) => (headers = answer));
  stream.on("trailers", (trailers: IncomingHttpHeaders) => (headers = { ...headers, ...trailers }));
  stream.on("data", (part: Buffer) => {
    size += part.length;
    if (size <= BODY_MAX) parts.push(part);
  });
  stream.on("error", (thrown) => resolve({ is: "undone", why: `error: health rpc probe failed: ${messageOf(thrown)}` }));
  stream.on("close", () => {
    const code = headers["grpc-status"];
    if (code === undefined) resolve({ is: "undone", why: `error: health rpc probe failed: rpc error: code = Unknown desc = unexpected HTTP status code received from server: ${Number(headers[":status"] ?? 0)}` });
    else resolve({ is: "answered", code: Number(code), message: decoded(`${headers["grpc-message"] ?? ""}`), body: Buffer.concat(parts) });
  });
  stream.end(framed(service));
}

/** More than a health answer ever has. */
const BODY_MAX = 1024;

/** HealthCheckRequest with field 1 (`service`), in gRPC's frame: not compressed, length, message. */
export function framed(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const varint = (value: number): readonly number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);

/** Field 1 (`status`) of a HealthCheckResponse in its frame; absent means UNKNOWN. */
export const servingStatus = (frame: Buffer): number => (frame[5] === 0x08 ? (frame[6] ?? 0) : 0);

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
