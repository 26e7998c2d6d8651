import { expect, test } from "bun:test";
import { containerSpec, podRecord } from "../pod/testing.ts";
import { parseForwardedPort } from "./forwardedPort.ts";

const { pod } = podRecord("web", { spec: { containers: [containerSpec("main", { ports: [{ name: "http", containerPort: 80, protocol: "TCP" }, { name: "dns", containerPort: 53, protocol: "UDP" }] })] } });

test("parseForwardedPort() reads kubectl's forms", () => {
  expect(parseForwardedPort("80", pod)).toEqual({ local: 80, remote: 80 });
  expect(parseForwardedPort("8080:80", pod)).toEqual({ local: 8080, remote: 80 });
  expect(parseForwardedPort(":80", pod)).toEqual({ local: 0, remote: 80 });
  expect(parseForwardedPort("0:80", pod)).toEqual({ local: 0, remote: 80 });
  expect(parseForwardedPort("8080:http", pod)).toEqual({ local: 8080, remote: 80 });
  expect(parseForwardedPort("http", pod)).toEqual({ local: 80, remote: 80 });
});

test("parseForwardedPort() refuses the rest", () => {
  for (const text of ["", "x", "a:80", "80:", "1:2:3", "dns", "8080:65536", "65536:80", "8080:0", "-1", "0"]) {
    expect(() => parseForwardedPort(text, pod)).toThrow("Cannot forward");
  }
});
