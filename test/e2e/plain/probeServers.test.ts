/** Probes of real servers, which a program of the tests is inside pods: HTTPS with a certificate that nobody trusts, and gRPC. */
import { expect } from "bun:test";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { makeAuthority } from "../../harness/certificates.ts";
import { eventually } from "../../harness/eventually.ts";
import { documents, pod, podText } from "../../harness/objects.ts";
import { pacedDuration } from "../../harness/pace.ts";
import { CHECKOUT, openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const MOUNTS = { bun: realpathSync(process.execPath), lib: realpathSync("/lib"), lib64: realpathSync("/lib64"), server: `${CHECKOUT}/test/harness/probeServer.ts` };
const AT: Readonly<Record<keyof typeof MOUNTS, string>> = { bun: "/bun", lib: "/lib", lib64: "/lib64", server: "/server.ts" };

/** A pod that runs `probeServer.ts` with the words given. */
function serverText(name: string, words: string, { probe, tls = "" }: { readonly probe: string; readonly tls?: string }): string {
  const paths = [...Object.entries(MOUNTS).map(([key, path]) => [key, path, AT[key as keyof typeof MOUNTS]] as const), ...(tls === "" ? [] : [["tls", tls, "/tls"] as const])]; // the keys of MOUNTS
  return podText(name, {
    script: `trap 'exit 0' TERM; /bun /server.ts ${words} & wait`,
    container: `${probe}\nvolumeMounts:\n${paths.map(([key, , at]) => `- {name: ${key}, mountPath: ${at}, readOnly: true}`).join("\n")}`,
    spec: `volumes:\n${paths.map(([key, path]) => `- {name: ${key}, hostPath: {path: ${path}}}`).join("\n")}`,
  });
}

const events = (room: Room): Promise<string> => room.ok(["events"]);
const isReady = async (room: Room, name: string): Promise<boolean> => (await pod(room, name)).status.conditions?.find(({ type }) => type === "Ready")?.status === "True";
const played = (room: Room, file: string) => room.wherry(["play", "--timeout", pacedDuration(6), file], { timeout: 60_000 });

scenario("httpGet probes speak HTTPS without looking at the certificate, and name the server as the kubelet does", async (room) => {
  const tls = mkdtempSync("/var/tmp/wherry-tls.");
  try {
    await makeAuthority(tls);
    const probe = (more: string): string => `readinessProbe: {periodSeconds: 1, timeoutSeconds: 2, httpGet: {scheme: HTTPS, port: 8443, ${more}}}`;
    const https = (name: string, more: string): string => serverText(name, "https /tls/server.key /tls/server.crt", { probe: probe(more), tls });
    await room.write("/run/https.yaml", documents(
      https("good", "path: /good"),
      https("named", "path: /named, httpHeaders: [{name: Host, value: shop.example}]"),
      https("bad", "path: /bad"),
      podText("plain", { script: "mkdir /srv; exec httpd -f -p 8443 -h /srv", container: probe("path: /") }),
    ));
    await played(room, "/run/https.yaml");
    for (const name of ["good", "named"]) expect(await isReady(room, name)).toBe(true);
    const ip = (await pod(room, "good")).status.podIP;
    expect(await room.ok(["logs", "good"])).toStartWith(`/good ${ip}:8443 none\n`); // Go names no address to TLS
    expect(await room.ok(["logs", "named"])).toStartWith("/named shop.example none\n");
    for (const name of ["bad", "plain"]) expect(await isReady(room, name)).toBe(false);
    expect(await events(room)).toContain("Readiness probe failed: HTTP probe failed with statuscode: 503");
    expect(await events(room)).toMatch(/Readiness probe failed: Get "https:\/\/[\d.]+:8443\/": /);
  } finally {
    rmSync(tls, { recursive: true });
  }
}, { timeout: 90_000 });

scenario("grpc probes ask a health service for itself or for a service, and say what it says", async (room) => {
  const probe = (service: string): string => `readinessProbe: {periodSeconds: 1, timeoutSeconds: 2, grpc: {port: 9000${service === "" ? "" : `, service: ${service}`}}}`;
  const grpc = (name: string, service: string, kind = "grpc"): string => serverText(name, kind, { probe: probe(service) });
  await room.write("/run/grpc.yaml", documents(grpc("whole", ""), grpc("up", "up"), grpc("down", "down"), grpc("unknown", "absent"), grpc("other", "", "other"), podText("deaf", { container: probe("") })));
  await played(room, "/run/grpc.yaml");
  for (const name of ["whole", "up"]) expect(await isReady(room, name)).toBe(true);
  for (const name of ["down", "unknown", "other", "deaf"]) expect(await isReady(room, name)).toBe(false);
  await eventually(async () => {
    const said = await events(room);
    expect(said).toContain('service unhealthy (responded with "NOT_SERVING")');
    expect(said).toContain("error: health rpc probe failed: rpc error: code = NotFound desc = unknown service");
    expect(said).toContain("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service");
    expect(said).toContain("connect: connection refused");
  }, { within: 10_000 });
}, { timeout: 90_000 });
