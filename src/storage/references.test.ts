import { describe, expect, test } from "bun:test";
import { candidates, formatReference, localReference, parseReference } from "./references.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;

describe("references", () => {
  test.each([
    ["nginx", "docker.io/library/nginx:latest"],
    ["nginx:1.27-alpine", "docker.io/library/nginx:1.27-alpine"],
    ["grafana/grafana", "docker.io/grafana/grafana:latest"],
    ["docker.io/nginx", "docker.io/library/nginx:latest"],
    ["index.docker.io/nginx", "docker.io/library/nginx:latest"],
    ["docker.io/a/b/c", "docker.io/a/b/c:latest"],
    ["localhost/x", "localhost/x:latest"],
    ["localhost:5000/x:2", "localhost:5000/x:2"],
    ["quay.io/a/b:v1", "quay.io/a/b:v1"],
    ["[::1]:5000/a", "[::1]:5000/a:latest"],
    ["Host/a", "Host/a:latest"],
    ["a--b/c__d.e", "docker.io/a--b/c__d.e:latest"],
    [`nginx@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
    [`nginx:1.27@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
  ])("parseReference() reads %s as %s", (text, full) => {
    const reference = parseReference(text);
    expect(formatReference(reference)).toBe(full);
    expect(parseReference(full)).toEqual(reference);
  });

  test.each([
    "", ":1", "nginx:", "nginx:-1", "Nginx", "a/B", "a//b", "/a", "a/", "a b", "a..b", "-a", "a___b", `nginx:${"x".repeat(129)}`, "nginx@sha256:12",
    `nginx@md5:${HEX}`, HEX, `docker.io/${"a".repeat(250)}`, "exa_mple.com/a", "host:port/a", "a\n", "../a", "a/../b",
  ])("parseReference() refuses %j", (text) => {
    expect(() => parseReference(text)).toThrow(/^Cannot use ".*" as an image name: /s);
  });

  test("localReference() keeps images made here apart from Docker Hub's", () => {
    expect(formatReference(localReference("hello"))).toBe("localhost/hello:latest");
    expect(formatReference(localReference("a/b:1"))).toBe("localhost/a/b:1");
    expect(formatReference(localReference("docker.io/hello"))).toBe("docker.io/library/hello:latest");
  });

  test.each([
    ["hello", ["localhost/hello:latest", "docker.io/library/hello:latest"]],
    ["a/b:1", ["localhost/a/b:1", "docker.io/a/b:1"]],
    ["quay.io/a/b", ["quay.io/a/b:latest"]],
    [`hello@${DIGEST}`, [`localhost/hello@${DIGEST}`, `docker.io/library/hello@${DIGEST}`]],
    [DIGEST, [DIGEST]],
    [HEX, [DIGEST]],
  ])("candidates() of %s", (text, expected) => {
    expect(candidates(text)).toEqual(expected);
  });
});
