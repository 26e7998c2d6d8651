import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { CgroupLayout } from "./cgroup.ts";
import { networkOf, type Usage, usageOf } from "./cgroupUsage.ts";

function usage(version: "v1" | "v2", files: Readonly<Record<string, string>>): Usage | undefined {
  const mount = mkdtempSync("/tmp/wherry-usage-");
  try {
    mkdirSync(`${mount}/pod`);
    for (const [file, text] of Object.entries(files)) writeFileSync(`${mount}/pod/${file}`, text);
    const layout: CgroupLayout = { version, hybrid: false, controllers: [], hierarchies: [{ mount, controllers: [], unified: version === "v2" }] };
    return usageOf("/pod", layout);
  } finally {
    rmSync(mount, { recursive: true });
  }
}

test("usageOf reads the files of v2", () => {
  expect(usage("v2", {
    "cgroup.procs": "", "cpu.stat": "usage_usec 1500\nuser_usec 1\n", "memory.current": "5000\n", "memory.stat": "anon 1\ninactive_file 1000\n", "memory.max": "max\n", "pids.current": "3\n",
    "io.stat": "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n",
  })).toEqual({ cpu: 1_500_000, memory: 4000, memoryLimit: undefined, pids: 3, read: 11, written: 22 });
});

test("usageOf reads the files of v1", () => {
  expect(usage("v1", {
    "cgroup.procs": "", "cpuacct.usage": "77\n", "memory.usage_in_bytes": "5000\n", "memory.stat": "inactive_file 1\ntotal_inactive_file 6000\n", "memory.limit_in_bytes": "8192\n", "pids.current": "1\n",
    "blkio.throttle.io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n",
  })).toEqual({ cpu: 77, memory: 0, memoryLimit: 8192, pids: 1, read: 10, written: 20 });
});

test("usageOf says nothing of what is not accounted for, or not there", () => {
  expect(usage("v1", { "cgroup.procs": "" })).toEqual({ cpu: undefined, memory: undefined, memoryLimit: undefined, pids: 0, read: undefined, written: undefined });
  expect(usage("v1", { "memory.limit_in_bytes": "9223372036854771712\n", "cgroup.procs": "" })?.memoryLimit).toBeUndefined();
  expect(usage("v2", {})).toBeUndefined();
});

test("networkOf counts all interfaces but the loopback, and nothing of a process that has ended", () => {
  expect(networkOf(process.pid)).toEqual({ received: expect.any(Number), sent: expect.any(Number) });
  expect(networkOf(2 ** 22)).toBeUndefined();
});
