import { expect } from "bun:test";
import { pod, podText } from "../../harness/objects.ts";
import { IMAGE } from "../../harness/image.ts";
import { openPlainRoom, type Room, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);
const MIB = 2 ** 20;

async function play(room: Room, name: string, container: string, spec = ""): Promise<void> {
  await room.write(`/run/${name}.yaml`, podText(name, { container, spec }));
  await room.ok(["play", `/run/${name}.yaml`]);
}

/** Files of limits: on v1 with their controller, on v2. */
const FILES = {
  shares: { v1: ["cpu", "cpu.shares"], v2: "cpu.weight" },
  quota: { v1: ["cpu", "cpu.cfs_quota_us"], v2: "cpu.max" },
  memory: { v1: ["memory", "memory.limit_in_bytes"], v2: "memory.max" },
  hugePages: { v1: ["hugetlb", "hugetlb.2MB.limit_in_bytes"], v2: "hugetlb.2MB.max" },
} as const;

interface Limit {
  readonly pod: string;
  readonly limit: keyof typeof FILES;
  /** Of the container's own cgroup, or of the one above it, which is the pod's. */
  readonly of: "container" | "pod";
}

const isUnified = async (room: Room): Promise<boolean> => (await room.run(["test", "-e", "/sys/fs/cgroup/cgroup.controllers"])).status === 0;

/** The first word of the limit's file; undefined where the host has no controller for it. */
async function limitOf(room: Room, { pod: name, limit, of }: Limit): Promise<string | undefined> {
  const { v1: [controller, old], v2 } = FILES[limit];
  const [root, file] = (await isUnified(room)) ? ["/sys/fs/cgroup", v2] : [`/sys/fs/cgroup/${controller}`, old];
  const { metadata } = await pod(room, name);
  const found = await room.run(["sh", "-c", `find ${root} -type d -path '*/${metadata.uid}${of === "pod" ? "" : "/*"}' | head -1 | xargs -I {} cut -d ' ' -f 1 {}/${file}`]);
  return found.stdout === "" ? undefined : found.stdout.trim();
}

scenario("requests give shares of the processor, the class of the pod and the score when memory runs out", async (room) => {
  await play(room, "burst", "resources: {requests: {cpu: 250m, memory: 1Mi}, limits: {cpu: 500m}}");
  for (const of of ["container", "pod"] as const) {
    expect(await limitOf(room, { pod: "burst", limit: "shares", of })).toBe((await isUnified(room)) ? "10" : "256"); // 1 + (256 - 2) * 9999 / 262142, as runtimes have it
  }
  expect(await limitOf(room, { pod: "burst", limit: "quota", of: "container" })).toBe("50000");
  expect((await pod(room, "burst")).status).toMatchObject({
    qosClass: "Burstable",
    containerStatuses: [{ allocatedResources: { cpu: "250m", memory: "1Mi" }, resources: { requests: { cpu: "250m", memory: "1Mi" }, limits: { cpu: "500m" } } }],
  });
  expect(await room.ok(["exec", "burst", "--", "cat", "/proc/1/oom_score_adj"])).toBe("999\n");
  await play(room, "idle", "");
  expect((await pod(room, "idle")).status).toMatchObject({ qosClass: "BestEffort" });
  expect(await room.ok(["exec", "idle", "--", "cat", "/proc/1/oom_score_adj"])).toBe("1000\n");
});

scenario("the cgroup of a pod has the sum of its containers' limits", async (room) => {
  const second = `- {name: second, image: ${IMAGE}, command: [sleep, "1000"], resources: {limits: {cpu: 100m, memory: 16Mi}}}`;
  await play(room, "sum", "resources: {limits: {cpu: 200m, memory: 32Mi}}", second); // the list of containers goes on
  expect(await limitOf(room, { pod: "sum", limit: "memory", of: "pod" })).toBe(String(48 * MIB));
  expect(await limitOf(room, { pod: "sum", limit: "quota", of: "pod" })).toBe("30000");
  expect((await pod(room, "sum")).status).toMatchObject({ qosClass: "Guaranteed" });
});

scenario("limits of the pod as a whole hold for all of its containers together", async (room) => {
  await play(room, "whole", "", "resources: {limits: {cpu: 400m, memory: 64Mi}}");
  for (const of of ["pod", "container"] as const) {
    expect(await limitOf(room, { pod: "whole", limit: "memory", of })).toBe(String(64 * MIB));
    expect(await limitOf(room, { pod: "whole", limit: "quota", of })).toBe("40000");
  }
  expect(await room.ok(["get", "pod", "whole", "-o", "json"])).toContain('"memory": "64Mi"');
});

scenario("a limit of huge pages holds, or an event tells that it cannot", async (room) => {
  await play(room, "huge", "resources: {limits: {memory: 32Mi, hugepages-2Mi: 4Mi}}");
  const limit = await limitOf(room, { pod: "huge", limit: "hugePages", of: "container" });
  if (limit !== undefined) expect(limit).toBe(String(4 * MIB));
  else expect(await room.ok(["events"])).toContain('Cannot limit hugepages-2Mi of container "main" to "4Mi"');
});

scenario("stats and top tell what containers use", async (room) => {
  const busy = `- {name: busy, image: ${IMAGE}, command: [sh, -c, "while :; do :; done"], resources: {limits: {cpu: 200m, memory: 32Mi}}}`;
  await play(room, "used", "resources: {limits: {memory: 64Mi}}", busy);
  const list: readonly { readonly container?: string; readonly cpuCores: number; readonly memoryWorkingSet: number; readonly memoryLimit: number; readonly pids: number }[] =
    JSON.parse(await room.ok(["stats", "--no-stream", "-o", "json"]));
  expect(list.map(({ container }) => container)).toEqual(["main", "busy"]);
  expect(list.map(({ memoryLimit }) => memoryLimit)).toEqual([64 * MIB, 32 * MIB]);
  for (const { memoryWorkingSet, pids } of list) {
    expect(memoryWorkingSet).toBeGreaterThan(0);
    expect(pids).toBeGreaterThan(0);
  }
  expect(list[1]?.cpuCores).toBeGreaterThan(0.05);
  expect(list[1]?.cpuCores).toBeLessThan(0.4);
  expect(await room.ok(["top", "pod", "used", "--containers", "--sort-by=cpu"])).toMatch(/^POD +NAME +CPU\(cores\) +MEMORY\(bytes\)\nused +busy +\d+m +\d+Mi\nused +main/);
  expect(await room.ok(["top", "pods", "-l", "app=used"])).toMatch(/^NAME +CPU\(cores\) +MEMORY\(bytes\)\nused +\d+m +\d+Mi\n$/);
  const stream = room.start([WHERRY, "stats", "used"]);
  await stream.says(/(CONTAINER[\s\S]*){2}/);
  stream.kill("SIGTERM");
  await stream.exited;
  expect((await room.wherry(["stats", "nobody", "--no-stream"])).stderr).toContain('Cannot find pod "nobody"');
});

scenario("a device is asked for by its CDI name, and one that nobody knows is told by name", async (room) => {
  await room.write("/run/cdi/test.json", JSON.stringify({
    cdiVersion: "0.6.0", kind: "wherry.test/null",
    devices: [{ name: "one", containerEdits: { env: ["NULL=/dev/mine"], deviceNodes: [{ path: "/dev/mine", hostPath: "/dev/null" }], mounts: [{ hostPath: "/run/cdi", containerPath: "/specs", options: ["ro", "rbind"] }] } }],
  }));
  await play(room, "device", "resources: {limits: {wherry.test/null=one: 1}}");
  expect(await room.ok(["exec", "device", "--", "sh", "-c", "echo x >$NULL && stat -c %t:%T $NULL && ls /specs"])).toBe("1:3\ntest.json\n");
  await room.write("/run/nodevice.yaml", podText("nodevice", { container: "resources: {limits: {wherry.test/null=two: 1}}" }));
  const { status, stderr } = await room.wherry(["play", "/run/nodevice.yaml"]);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/CreateContainerError: .*"wherry\.test\/null=two".*unresolvable CDI device/)]);
});
