import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, mkdirSync, writeFileSync, existsSync } from "node:fs";
import type { CgroupLayout } from "./cgroup.ts";
import { limitCgroup } from "./cgroupLimits.ts";

const LIMITS = { cpu: { shares: 1024, quota: 50_000, period: 100_000 }, memory: { limit: 4096, swap: 4096 }, hugepageLimits: [{ pageSize: "2MB", limit: 0 }], pids: { limit: 64 } };

/** What is written into a cgroup that has these files. */
function written(version: "v1" | "v2", files: readonly string[]): Readonly<Record<string, string>> {
  const mount = mkdtempSync("/tmp/wherry-limits-");
  try {
    mkdirSync(`${mount}/shop/pod`, { recursive: true });
    for (const file of files) writeFileSync(`${mount}/shop/pod/${file}`, "");
    const layout: CgroupLayout = { version, hybrid: false, controllers: [], hierarchies: [{ mount, controllers: [], unified: version === "v2" }] };
    limitCgroup("/shop/pod", LIMITS, layout);
    expect(existsSync(`${mount}/shop/pod/absent`)).toBe(false);
    return Object.fromEntries(files.map((file) => [file, readFileSync(`${mount}/shop/pod/${file}`, "utf8")]));
  } finally {
    rmSync(mount, { recursive: true });
  }
}

test("limitCgroup writes the files of v1 that are there", () => {
  expect(written("v1", ["cpu.shares", "cpu.cfs_quota_us", "memory.limit_in_bytes", "hugetlb.2MB.limit_in_bytes", "pids.max"])).toEqual({
    "cpu.shares": "1024", "cpu.cfs_quota_us": "50000", "memory.limit_in_bytes": "4096", "hugetlb.2MB.limit_in_bytes": "0", "pids.max": "64",
  });
});

test("limitCgroup writes the files of v2 that are there", () => {
  expect(written("v2", ["cpu.weight", "cpu.max", "memory.max", "memory.swap.max", "hugetlb.2MB.max", "pids.max"])).toEqual({
    "cpu.weight": "39", "cpu.max": "50000 100000", "memory.max": "4096", "memory.swap.max": "0", "hugetlb.2MB.max": "0", "pids.max": "64",
  });
});
