/**
 * Servers for probes to ask, in a container that has Bun and the libraries it needs:
 *
 *   probeServer.ts https KEY CERTIFICATE   on 8443; prints each request's path, Host and the name that TLS was asked for
 *   probeServer.ts grpc                    on 9000; the health of "", "up" and "down", and of no other service
 *   probeServer.ts other                   on 9000; gRPC without a health service
 */
import { readFileSync } from "node:fs";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { createServer as createTls } from "node:tls";

const [kind = "", key = "", certificate = ""] = process.argv.slice(2);
/** `ServingStatus` by service: SERVING, NOT_SERVING. */
const HEALTH: Readonly<Record<string, number>> = { "": 1, up: 1, down: 2 };
const NOT_FOUND = 5, UNIMPLEMENTED = 12;

if (kind === "https") serveTls();
else serveGrpc(kind === "grpc");

function serveTls(): void {
  const server = createTls({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (request) => {
      const [, path] = request.toString().split(" ");
      const host = /^host: (.*)\r$/im.exec(request.toString())?.[1];
      console.log(`${path} ${host} ${socket.servername || "none"}`);
      socket.end(`HTTP/1.1 ${path === "/bad" ? "503 Unavailable" : "200 OK"}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`);
    });
  });
  server.listen(8443, "0.0.0.0");
}

function serveGrpc(healthy: boolean): void {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    const parts: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => answer(stream, healthy ? HEALTH[serviceIn(Buffer.concat(parts))] : undefined, healthy ? NOT_FOUND : UNIMPLEMENTED));
  });
  server.listen(9000, "0.0.0.0");
}

/** `HealthCheckRequest` has one field, a string; before it are five bytes of gRPC. */
const serviceIn = (message: Buffer): string => message.subarray(7).toString();

function answer(stream: ServerHttp2Stream, status: number | undefined, code: number): void {
  const headers = { ":status": 200, "content-type": "application/grpc" };
  if (status === undefined) return stream.respond({ ...headers, "grpc-status": String(code), "grpc-message": "unknown service" }, { endStream: true });
  stream.respond(headers, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.of(0, 0, 0, 0, 2, 8, status));
}
