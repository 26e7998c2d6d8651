import { describe, expect, test } from "bun:test";
import * as net from "node:net";
import { isIP, isIPv4, isIPv6 } from "./addresses.ts";

const TEXTS = [
  "", "0.0.0.0", "127.0.0.1", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.04", "1..2.3", "a.b.c.d", "1.2.3.4/8", "1.2.3.4%eth0",
  "::", "::1", "1::", "fd00::1", "fe80::1%eth0", "fe80::1%", "fe80::1% ", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::ffff:1.2.3.4", "::ffff:1.2.3.256", "::1.2.3.4:5",
  "12345::", "g::", ":::", ":1", "1:", "[::1]", "::1]/x", "::1]:80/[", "FD00::ABCD", "0:0:0:0:0:0:0:0", "::1\n", "%eth0",
] as const;

describe("IP addresses", () => {
  test.each(TEXTS)("isIPv4(), isIPv6() and isIP() of %p are as Node has them", (text) => {
    expect([isIPv4(text), isIPv6(text), isIP(text)]).toEqual([net.isIPv4(text), net.isIPv6(text), net.isIP(text) !== 0]);
  });
});
