import { expect, test } from "bun:test";
import type { PodSpec } from "../spec/spec.ts";
import { rejectionOf } from "./admission.ts";
import { containerOf, podOf } from "./fixtures.ts";

const host = { appArmor: false, unsafeSysctls: ["net.core.*", "kernel/sem"] };
const sysctl = (name: string, change: Partial<PodSpec> = {}): string | undefined =>
  rejectionOf(podOf([containerOf()], { ...change, securityContext: { sysctls: [{ name, value: "1" }] } }), host)?.message;

const SYSCTLS: readonly (readonly [string, Partial<PodSpec>, string | undefined])[] = [
  ["net.ipv4.tcp_syncookies", {}, undefined], ["net.core.somaxconn", {}, undefined], ["kernel.sem", {}, undefined],
  ["net.ipv4.ip_forward", {}, 'forbidden sysctl: "net.ipv4.ip_forward" not allowlisted'], ["vm.swappiness", {}, 'forbidden sysctl: "vm.swappiness" not allowlisted'],
  ["net.core.somaxconn", { hostNetwork: true }, 'forbidden sysctl: "net.core.somaxconn" not allowed with host net enabled'],
  ["kernel.sem", { hostIPC: true }, 'forbidden sysctl: "kernel.sem" not allowed with host ipc enabled'], ["kernel.sem", { hostNetwork: true }, undefined],
];
for (const [name, change, message] of SYSCTLS) {
  test(`rejectionOf ${message === undefined ? "takes" : "refuses"} ${name} with ${JSON.stringify(change)}`, () => expect(sysctl(name, change)).toBe(message));
}

test("rejectionOf refuses to allow parameters of the whole host", () => {
  expect(() => rejectionOf(podOf([]), { ...host, unsafeSysctls: ["vm.*"] })).toThrow(/"vm\.\*".*own namespaces/);
});

test("rejectionOf refuses AppArmor profiles where the kernel has no AppArmor, but not to be unconfined", () => {
  const pod = podOf([containerOf({ securityContext: { appArmorProfile: { type: "Localhost", localhostProfile: "x" } } })]);
  expect(rejectionOf(pod, host)).toEqual({ reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host" });
  expect(rejectionOf(pod, { ...host, appArmor: true })).toBeUndefined();
  expect(rejectionOf(podOf([], { securityContext: { appArmorProfile: { type: "Unconfined" } } }), host)).toBeUndefined();
});
