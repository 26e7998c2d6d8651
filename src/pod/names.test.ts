import { expect, test } from "bun:test";
import { hostname } from "node:os";
import type { Pod } from "../spec/spec.ts";
import { namesOf, nodenameOf } from "./names.ts";
import { podRecord } from "./testing.ts";

const named = (name: string, spec: Partial<Pod["spec"]> = {}): Pod => podRecord(name, { spec }).pod;

test("namesOf() is the pod's name, dots and all, cut to 63 characters", () => {
  expect(namesOf(named("web"))).toEqual({ hostname: "web", domain: "" });
  expect(namesOf(named("web.v1"))).toEqual({ hostname: "web.v1", domain: "" });
  expect(namesOf(named(`${"a".repeat(61)}.-b`.replace(".-", "-1")))).toEqual({ hostname: `${"a".repeat(61)}-1`, domain: "" });
  expect(namesOf(named(`${"a".repeat(62)}-b`))).toEqual({ hostname: "a".repeat(62), domain: "" });
});

test("namesOf() takes hostname and subdomain, and hostnameOverride before them", () => {
  expect(namesOf(named("web", { hostname: "h", subdomain: "sub" }))).toEqual({ hostname: "h", domain: "sub.default.svc.cluster.local" });
  expect(namesOf(named("web", { hostname: "h", subdomain: "sub", hostnameOverride: "my.example" }))).toEqual({ hostname: "my.example", domain: "" });
});

test("nodenameOf() is the full name when that is asked for and there is one", () => {
  const of = (spec: Partial<Pod["spec"]>): string => nodenameOf({ pod: named("web", spec), network: "bridge" });
  expect(of({ subdomain: "sub" })).toBe("web");
  expect(of({ setHostnameAsFQDN: true })).toBe("web");
  expect(of({ setHostnameAsFQDN: true, subdomain: "sub" })).toBe("web.sub.default.svc.cluster.local");
});

test("nodenameOf() refuses what the kernel cannot hold", () => {
  const of = (length: number): string => nodenameOf({ pod: named("web", { hostname: "h".repeat(length), subdomain: "sub", setHostnameAsFQDN: true }), network: "bridge" });
  const rest = ".sub.default.svc.cluster.local".length;
  expect(of(64 - rest)).toHaveLength(64);
  expect(() => of(65 - rest)).toThrow("is too long (64 characters is the max, 65 characters requested)");
});

test("nodenameOf() is the host's on the host's network", () => {
  expect(nodenameOf({ pod: named("web", { hostname: "h" }), network: "host" })).toBe(hostname());
});
