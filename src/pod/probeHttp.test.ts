import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { HttpGetAction } from "../spec/spec.ts";
import { httpHook, httpProbe, tcpProbe } from "./probeHttp.ts";

interface Seen {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}
const seen: Seen[] = [];
const server = Bun.serve({
  port: 0, hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    seen.push({ path: pathname + search, headers: request.headers.toJSON() });
    if (pathname === "/slow") await Bun.sleep(500);
    if (pathname === "/here") return Response.redirect("/end", 302);
    if (pathname === "/away") return new Response("over there", { status: 302, headers: { Location: "http://192.0.2.1/" } });
    if (pathname === "/round") return Response.redirect("/round", 302);
    return new Response("x".repeat(100_000), { status: Number(/^\/(\d+)$/.exec(pathname)?.[1] ?? 200) });
  },
});
afterAll(() => server.stop(true));

const action = (path: string, more: Partial<HttpGetAction> = {}): HttpGetAction => ({ path, port: 0, scheme: "HTTP", httpHeaders: [], ...more });
const target = (more: { readonly port?: number; readonly timeout?: number } = {}) => ({ host: "127.0.0.1", port: server.port ?? 0, timeout: 5_000, signal: new AbortController().signal, ...more });
const probe = (path: string, more: Partial<HttpGetAction> = {}) => httpProbe(action(path, more), target(), "kube-probe/1.34");

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("httpProbe()", () => {
  test.each([[200, "success"], [204, "success"], [399, "success"], [400, "failure"], [404, "failure"], [500, "failure"]])("httpProbe() of status %d is a %s", async (status, is) => {
    const result = await probe(`/${status}`);
    expect(result.is).toBe(is === "success" ? "success" : "failure");
    if (result.is === "failure") expect(result.output).toBe(`HTTP probe failed with statuscode: ${status}`);
  });

  test("httpProbe() follows redirects on the same host, at most ten", async () => {
    expect(await probe("/here")).toEqual({ is: "success" });
    expect(seen.at(-1)?.path).toBe("/end");
    expect(await probe("/round")).toMatchObject({ is: "failure", output: expect.stringContaining("stopped after 10 redirects") });
  });

  test("httpProbe() does not follow a redirect elsewhere, and warns", async () => {
    expect(await probe("/away")).toEqual({ is: "success", warning: "Probe terminated redirects, Response body: over there" });
  });

  test("httpProbe() sends the kubelet's headers, and those of the manifest in their place", async () => {
    await probe("/a?b=c");
    expect(seen.at(-1)).toMatchObject({ path: "/a?b=c", headers: { "user-agent": "kube-probe/1.34", accept: "*/*" } });
    await probe("/", { httpHeaders: [{ name: "User-Agent", value: "me" }, { name: "Host", value: "shop.example" }, { name: "X-A", value: "1" }] });
    expect(seen.at(-1)).toMatchObject({ headers: { "user-agent": "me", host: "shop.example", "x-a": "1" } });
  });

  test("httpProbe() says in Go's words why there was no answer", async () => {
    const port = await closedPort();
    expect(await httpProbe(action("/x"), target({ port }), "a")).toEqual({ is: "failure", output: `Get "http://127.0.0.1:${port}/x": dial tcp 127.0.0.1:${port}: connect: connection refused` });
    expect(await httpProbe(action("/slow"), target({ timeout: 50 }), "a")).toMatchObject({ is: "failure", output: expect.stringContaining("context deadline exceeded (Client.Timeout exceeded while awaiting headers)") });
  });
});

test("httpHook() does not ask for the status, and fails without an answer", async () => {
  await httpHook(action("/500"), target(), "kube-lifecycle/1.34");
  expect(httpHook(action("/"), target({ port: await closedPort() }), "a")).rejects.toThrow("connection refused");
});

test("httpHook() asks again without TLS when a server does not speak it", async () => {
  await httpHook(action("/plain", { scheme: "HTTPS" }), target(), "a");
  expect(seen.at(-1)?.path).toBe("/plain");
});

test("tcpProbe() succeeds when somebody listens", async () => {
  const port = await closedPort();
  expect(await tcpProbe(target())).toEqual({ is: "success" });
  expect(await tcpProbe(target({ port }))).toEqual({ is: "failure", output: `dial tcp 127.0.0.1:${port}: connect: connection refused` });
});
