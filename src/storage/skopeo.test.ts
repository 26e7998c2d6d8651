import { describe, expect, test } from "bun:test";
import { isTransient, reasonOf, registryFlags, runSkopeo, skopeoArgv } from "./skopeo.ts";

const fatal = (message: string): string => `time="2026-01-01T00:00:00Z" level=warning msg="something else"\ntime="2026-01-01T00:00:00Z" level=fatal msg="${message}"\n`;

test.each([
  [fatal('Error parsing image name \\"docker://docker.io/library/x:1\\": reading manifest 1 in docker.io/library/x: manifest unknown: manifest unknown'), "reading manifest 1 in docker.io/library/x: manifest unknown: manifest unknown"],
  [fatal("initializing source docker://x/y:1: pinging container registry x: EOF"), "pinging container registry x: EOF"],
  ["plain words\n", "plain words"],
  ["a\x1b[31mred\n", "a?[31mred"],
  ["", ""],
])("reasonOf() of %p is %p", (stderr, reason) => {
  expect(reasonOf(stderr)).toBe(reason);
});

test.each([
  ["reading manifest 1 in x: manifest unknown: manifest unknown", false],
  ["reading manifest 1 in x: unauthorized: authentication required", false],
  ["requested access to the resource is denied", false],
  ["Source image rejected: Running image docker://x is rejected by policy.", false],
  ['pinging container registry x: Get "https://x/v2/": x509: certificate signed by unknown authority', false],
  ['pinging container registry x: Get "https://x/v2/": dial tcp: lookup x on 1.1.1.1:53: no such host', true],
  ["dial tcp 127.0.0.1:1: connect: connection refused", true],
  ["reading manifest: toomanyrequests: You have reached your pull rate limit", true],
  ["received unexpected HTTP status: 502 Bad Gateway", true],
  ["something that nobody has thought of", true],
])("isTransient() of %p is %p", (reason, transient) => {
  expect(isTransient(reason)).toBe(transient);
});

describe("skopeoArgv()", () => {
  test("skopeoArgv() dies with its parent, and tells skopeo 1.9 what it does not read itself", () => {
    const environment = { CONTAINERS_REGISTRIES_CONF: "/r.conf" };
    const argv = skopeoArgv(["inspect", "x"], { environment, scratch: "/t", platform: { os: "linux", architecture: "arm", variant: "v7" } });
    expect(argv.join(" ")).toBe("setpriv --pdeathsig=KILL skopeo --registries-conf /r.conf --tmpdir /t --override-os linux --override-arch arm --override-variant v7 inspect x");
  });

  test("registryFlags() are those of one side", () => {
    expect(registryFlags("src-", { authFile: "/a", tlsVerify: false, certDir: "/c", credentials: "u:p" })).toEqual(["--src-authfile=/a", "--src-tls-verify=false", "--src-cert-dir=/c", "--src-creds=u:p"]);
    expect(registryFlags("", {})).toEqual([]);
  });
});

test("runSkopeo() fails with skopeo's reason, as a thing that is not there", async () => {
  const failure = await runSkopeo(["inspect", "--raw", "oci:/nowhere/at/all"], {}).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ kind: "failed", code: "ESKOPEO" });
  expect(String(failure)).toContain('Cannot inspect "oci:/nowhere/at/all": ');
});
