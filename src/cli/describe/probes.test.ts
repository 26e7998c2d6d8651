import { expect, test } from "bun:test";
import { containerSpec } from "../../pod/testing.ts";
import { probes, probeWords } from "./probes.ts";

const timing = { initialDelaySeconds: 3, timeoutSeconds: 1, periodSeconds: 3, successThreshold: 1, failureThreshold: 3 };
const ATTRIBUTES = "delay=3s timeout=1s period=3s #success=1 #failure=3";

test("probeWords() describes each handler as kubectl does", () => {
  const httpGet = { port: 8080, path: "/", scheme: "HTTP", httpHeaders: [] } as const;
  expect(probeWords({ httpGet, ...timing })).toBe(`http-get http://:8080/ ${ATTRIBUTES}`);
  expect(probeWords({ httpGet: { ...httpGet, scheme: "HTTPS", host: "::1", port: "web", path: "/ok" }, ...timing })).toBe(`http-get https://[::1]:web/ok ${ATTRIBUTES}`);
  expect(probeWords({ exec: { command: ["cat", "/tmp/ok"] }, ...timing })).toBe(`exec [cat /tmp/ok] ${ATTRIBUTES}`);
  expect(probeWords({ tcpSocket: { port: 6379 }, ...timing })).toBe(`tcp-socket :6379 ${ATTRIBUTES}`);
  expect(probeWords({ grpc: { port: 9000, service: "shop" }, ...timing })).toBe(`grpc <pod>:9000 shop ${ATTRIBUTES}`);
});

test("probes() has a line for each probe and hook that is given, and no other", () => {
  expect(probes(containerSpec("main"))).toEqual([]);
  const spec = containerSpec("main", {
    readinessProbe: { exec: { command: ["true"] }, ...timing },
    lifecycle: { postStart: { sleep: { seconds: 2 } }, preStop: { exec: { command: ["bye"] } }, stopSignal: "SIGQUIT" },
  });
  expect(probes(spec).map(({ label, value }) => `${label} ${value}`)).toEqual([`Readiness: exec [true] ${ATTRIBUTES}`, "Post Start: sleep 2s", "Pre Stop: exec [bye]", "Stop Signal: SIGQUIT"]);
});
