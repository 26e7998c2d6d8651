import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { framed, grpcProbe, servingStatus } from "./probeGrpc.ts";

interface Seen {
  readonly path: string;
  readonly agent: string;
  readonly body: Buffer;
}
const seen: Seen[] = [];
const servers: Http2Server[] = [];

/** What a server answers: a status of the service, a gRPC code, or nothing. */
type Answer = { readonly status: number } | { readonly code: number; readonly message: string } | "silence";

async function serve(answer: Answer): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", () => {});
    stream.on("end", () => {
      seen.push({ path: String(headers[":path"]), agent: String(headers["user-agent"]), body: Buffer.concat(parts) });
      if (answer === "silence") return;
      if ("code" in answer) return stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": String(answer.code), "grpc-message": encodeURIComponent(answer.message) }, { endStream: true });
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, answer.status]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const probe = (port: number, { service = "", timeout = 5_000 } = {}) => grpcProbe(service, { host: "127.0.0.1", port, timeout, signal: new AbortController().signal }, "kube-probe/1.34");

describe("grpcProbe()", () => {
  let serving = 0;
  beforeAll(async () => void (serving = await serve({ status: 1 })));
  afterAll(() => servers.forEach((server) => server.close()));

  test("grpcProbe() asks Health/Check for the service, and succeeds when it is SERVING", async () => {
    expect(await probe(serving, { service: "shop" })).toEqual({ is: "success" });
    expect(seen.at(-1)).toMatchObject({ path: "/grpc.health.v1.Health/Check", agent: "kube-probe/1.34" });
    expect([...(seen.at(-1)?.body ?? [])]).toEqual([0, 0, 0, 0, 6, 10, 4, ...Buffer.from("shop")]);
  });

  const table: readonly (readonly [string, Answer, string])[] = [
    ["NOT_SERVING", { status: 2 }, 'service unhealthy (responded with "NOT_SERVING")'],
    ["unimplemented", { code: 12, message: "no such service" }, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): no such service"],
    ["not found", { code: 5, message: "unknown service" }, "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"],
    ["silence", "silence", "timeout: health rpc did not complete within 300ms"],
  ];
  test.each(table)("grpcProbe() fails with the kubelet's words for %s", async (_, answer, output) => {
    expect(await probe(await serve(answer), { timeout: answer === "silence" ? 300 : 5_000 })).toEqual({ is: "failure", output });
  });

  test("grpcProbe() says when nobody listens", async () => {
    expect(await probe(1)).toMatchObject({ is: "failure", output: expect.stringContaining("connection refused") });
  });
});

test("framed() writes long names, too, and servingStatus() reads absence as UNKNOWN", () => {
  expect([...framed("")]).toEqual([0, 0, 0, 0, 0]);
  expect([...framed("x".repeat(300)).subarray(0, 8)]).toEqual([0, 0, 0, 1, 0x2f, 0x0a, 0xac, 0x02]);
  expect(servingStatus(Buffer.from([0, 0, 0, 0, 0]))).toBe(0);
});
