import { expect, test } from "bun:test";
import { addressBeside, lowestFree, reservedAddress } from "./addresses.ts";

const CASES: readonly (readonly [subnet: string, taken: readonly string[], free: string])[] = [
  ["10.89.0.0/16", [], "10.89.0.2"],
  ["10.89.0.0/16", ["10.89.0.2", "10.89.0.4"], "10.89.0.3"],
  ["10.89.7.9/24", ["10.89.7.2"], "10.89.7.3"],
  ["192.168.1.128/29", ["192.168.1.130", "192.168.1.131", "192.168.1.132"], "192.168.1.133"],
  ["200.0.0.0/8", [], "200.0.0.2"],
];

test.each(CASES)("lowestFree() of %s without %p is %s", (subnet, taken, free) => {
  expect(lowestFree(subnet, new Set(taken))).toBe(free);
});

test("lowestFree() crosses the last octet, which is no boundary of the subnet", () => {
  const taken = new Set(Array.from({ length: 254 }, (_, index) => `10.89.0.${index + 2}`));
  expect(lowestFree("10.89.0.0/16", taken)).toBe("10.89.1.0");
});

test("lowestFree() never gives the gateway, the reserved or the broadcast address", () => {
  const taken = new Set(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
  expect(reservedAddress("10.0.0.0/29")).toBe("10.0.0.6");
  expect(() => lowestFree("10.0.0.0/29", taken)).toThrow('Cannot give an address of "10.0.0.0/29": all of its 4 addresses are taken');
  for (const prefix of [30, 31, 32]) expect(() => lowestFree(`10.0.0.0/${prefix}`, new Set())).toThrow("all of its 0 addresses are taken");
});

test.each(["", "10.0.0.0", "10.0.0.0/33", "10.0.0.256/24", "fd00::/64"])("lowestFree() refuses %p as a subnet", (subnet) => {
  expect(() => lowestFree(subnet, new Set())).toThrow("it must be an IPv4 address with a prefix length");
});

test.each([
  ["10.89.0.2", "10.89.0.0/16", "fd00:1:2::2"], ["10.89.1.200", "10.89.0.0/16", "fd00:1:2::1c8"], ["10.89.255.254", "10.89.0.0/16", "fd00:1:2::fffe"],
  ["10.1.0.0", "10.0.0.0/8", "fd00:1:2::1:0"], ["192.168.1.130", "192.168.1.128/29", "fd00:1:2::2"],
])("addressBeside() of %s in %s is %s", (ip, subnet, beside) => {
  expect(addressBeside(ip, { subnet, subnet6: "fd00:1:2::/64" })).toBe(beside);
});

test.each(["", "fd00::", "fd00::/48", "10.0.0.0/24"])("addressBeside() refuses %p as a subnet", (subnet6) => {
  expect(() => addressBeside("10.89.0.2", { subnet: "10.89.0.0/16", subnet6 })).toThrow("it must be an IPv6 address with 64 bits of prefix");
});
