import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Container, PodSpec, ResourceRequirements } from "../spec/spec.ts";
import { podAmount } from "./amounts.ts";
import { containerOf, host, podOf } from "./fixtures.ts";
import { oomScoreAdj, qosOf } from "./qos.ts";
import { podPidsLimit } from "./host.ts";
import { podResources } from "./resources.ts";

const GIB = 2 ** 30;
const of = (limits: ResourceRequirements["limits"], requests?: ResourceRequirements["limits"], change: Partial<Container> = {}): Container =>
  containerOf({ resources: { limits, ...(requests === undefined ? {} : { requests }) }, ...change });
const full = of({ cpu: "1", memory: "1Gi" });

const CLASSES: readonly (readonly [string, readonly Container[], Partial<PodSpec>, ReturnType<typeof qosOf>])[] = [
  ["nothing", [of({})], {}, "BestEffort"],
  ["only other resources", [of({ "hugepages-2Mi": "2Mi" })], {}, "BestEffort"],
  ["zeros", [of({ cpu: "0" }, { memory: "0" })], {}, "BestEffort"],
  ["all limits", [full], {}, "Guaranteed"],
  ["requests below the limits", [of({ cpu: "1", memory: "1Gi" }, { cpu: "500m" })], {}, "Burstable"],
  ["requests alone", [of({}, { cpu: "1", memory: "1Gi" })], {}, "Burstable"],
  ["one limit", [of({ memory: "1Gi" })], {}, "Burstable"],
  ["a container without", [full, of({})], {}, "Burstable"],
  ["an init container without", [full], { initContainers: [of({})] }, "Burstable"],
  ["limits of the pod", [of({})], { resources: { limits: { cpu: "1", memory: "1Gi" } } }, "Guaranteed"],
  ["requests of the pod", [full], { resources: { limits: {}, requests: { cpu: "1" } } }, "Burstable"],
];
for (const [title, containers, spec, qos] of CLASSES) test(`qosOf gives ${qos} to ${title}`, () => expect(qosOf(podOf(containers, spec))).toBe(qos));

const eight = { ...host, memory: 8 * GIB };
const sidecar = of({}, { memory: "512Mi" }, { restartPolicy: "Always" });
const SCORES: readonly (readonly [string, Container, Partial<PodSpec>, number])[] = [
  ["of a burstable container follows its request", of({ memory: "4Gi" }, { memory: "2Gi" }), {}, 750],
  ["is never as good as Guaranteed", of({}, { memory: "8Gi" }), {}, 3],
  ["is never as bad as BestEffort", of({ cpu: "1" }), {}, 999],
  ["counts what the pod asks for beyond its containers", of({}, { memory: "1Gi" }), { resources: { limits: {}, requests: { memory: "2Gi" } } }, 750],
];
for (const [title, container, spec, score] of SCORES) test(`oomScoreAdj ${title}`, () => expect(oomScoreAdj({ pod: podOf([container], spec), container, host: eight })).toBe(score));

test("oomScoreAdj of a sidecar is at most that of the least of the others", () => {
  const pod = podOf([of({}, { memory: "2Gi" })], { initContainers: [sidecar] });
  expect(oomScoreAdj({ pod: { ...pod, spec: { ...pod.spec, initContainers: [{ ...sidecar, name: full.name }] } }, container: sidecar, host: eight })).toBe(750);
});

test("podAmount is what is needed at one time, init containers and sidecars counted as they run", () => {
  const init = of({}, { cpu: "3" });
  const pod = podOf([of({}, { cpu: "1" }), of({}, { cpu: "500m" })], { initContainers: [of({}, { cpu: "200m" }, { restartPolicy: "Always" }), init] });
  expect(podAmount(pod, "requests", "cpu")).toBe(3200);
  expect(podAmount(podOf(pod.spec.containers, { initContainers: [of({}, { cpu: "200m" }, { restartPolicy: "Always" })] }), "requests", "cpu")).toBe(1700);
  expect(podAmount({ ...pod, spec: { ...pod.spec, resources: { limits: { cpu: "4" } } } }, "limits", "cpu")).toBe(4000);
});

test("podResources limits a pod where all of its containers are limited, or it is as a whole", () => {
  const limits = (containers: readonly Container[], spec: Partial<PodSpec> = {}) => podResources(podOf(containers, spec), { ...host, hugePageSizes: [] }).resources;
  const memory = (bytes: number) => ({ limit: bytes, swap: bytes });
  expect(limits([of({})])).toEqual({ cpu: { shares: 2 } });
  expect(limits([full, full])).toEqual({ cpu: { shares: 2048, quota: 200_000, period: 100_000 }, memory: memory(2 * GIB) });
  expect(limits([full, of({ memory: "1Gi" })])).toEqual({ cpu: { shares: 1024 }, memory: memory(2 * GIB) });
  expect(limits([of({})], { resources: { limits: { cpu: "500m", memory: "1Gi" } } })).toEqual({ cpu: { shares: 512, quota: 50_000, period: 100_000 }, memory: memory(GIB) });
});

test("podResources gives huge pages of the sizes asked for, and none of the others", () => {
  const pod = podOf([of({ cpu: "1", "hugepages-2Mi": "4Mi" }), of({ "hugepages-2Mi": "2Mi" })]);
  expect(podResources(pod, { ...host, controllers: ["hugetlb"] }).resources.hugepageLimits).toEqual([{ pageSize: "2MB", limit: 6 * 2 ** 20 }, { pageSize: "1GB", limit: 0 }]);
});

test("podResources limits the processes of a pod as the administrator says, where the host can", () => {
  const pod = podOf([]);
  expect(podResources(pod, { ...host, podPidsLimit: 64 }).resources.pids).toEqual(host.controllers.includes("pids") ? { limit: 64 } : undefined);
  expect(podResources(pod, { ...host, podPidsLimit: 64, controllers: [] }).resources.pids).toBeUndefined();
  expect(podResources(pod, host).resources.pids).toBeUndefined();
});

test("podPidsLimit reads a number, and refuses anything else", () => {
  const directory = mkdtempSync("/tmp/wherry-policy-");
  const limitOf = (text: string): number | undefined => {
    writeFileSync(`${directory}/pod-pids-limit`, text);
    return podPidsLimit(directory);
  };
  try {
    expect(podPidsLimit(directory)).toBeUndefined();
    expect(["64\n", "-1\n", ""].map(limitOf)).toEqual([64, undefined, undefined]);
    for (const text of ["0", "many", "-2", "1.5"]) expect(() => limitOf(text)).toThrow(/Cannot use ".*pod-pids-limit": it has/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
