import { expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { exampleContainer, examplePod } from "../spec/examples.ts";
import { groupMode, ownVolume } from "../storage/ownership.ts";
import { propagationOf } from "../storage/mounts.ts";
import { subPathOf } from "./binds.ts";
import { mediumOf } from "./emptyDir.ts";
import { evictionOf, limitsStorage } from "./storageLimits.ts";

const Mi = 1024 ** 2;

test("mediumOf() sizes memory by the least of limit, pod and host", () => {
  const limited = examplePod("p", { containers: [exampleContainer("a", { resources: { limits: { memory: "64Mi" } } })] });
  const host = { memory: 1000 * Mi };
  expect(mediumOf({}, limited, host)).toEqual({ is: "disk" });
  expect(mediumOf({ medium: "Memory", sizeLimit: "1Mi" }, limited, host)).toEqual({ is: "memory", size: Mi });
  expect(mediumOf({ medium: "Memory", sizeLimit: "100Mi" }, limited, host)).toEqual({ is: "memory", size: 64 * Mi });
  expect(mediumOf({ medium: "Memory" }, examplePod("p"), host)).toEqual({ is: "memory", size: 1000 * Mi });
});

test("mediumOf() takes the size of huge pages from the medium, or from what the pod asks for", () => {
  const asks = examplePod("p", { containers: [exampleContainer("a", { resources: { limits: { "hugepages-2Mi": "4Mi" } } })] });
  expect(mediumOf({ medium: "HugePages-1Gi", sizeLimit: "2Gi" }, asks, { memory: 0 })).toEqual({ is: "hugepages", pageSize: 1024 * Mi, size: 2048 * Mi });
  expect(mediumOf({ medium: "HugePages" }, asks, { memory: 0 })).toEqual({ is: "hugepages", pageSize: 2 * Mi });
  expect(() => mediumOf({ medium: "HugePages" }, examplePod("p"), { memory: 0 })).toThrow("it asks for 0");
});

test("evictionOf() says in the kubelet's words what exceeds its limit", () => {
  const pod = examplePod("p", { containers: [exampleContainer("a", { resources: { limits: { "ephemeral-storage": "1Mi" } } }), exampleContainer("b", { resources: { limits: { "ephemeral-storage": "9Mi" } } })] });
  const usage = (volume: number, a: number, b: number) => evictionOf({ pod, volumes: [{ name: "v", limit: "1Mi", bytes: volume }], allVolumes: volume, containers: new Map([["a", a], ["b", b]]) });
  expect(usage(Mi, Mi, 0)).toBeUndefined();
  expect(usage(Mi + 1, 0, 0)).toBe('Usage of EmptyDir volume "v" exceeds the limit "1Mi". ');
  expect(usage(0, 0, 11 * Mi)).toBe(`Pod ephemeral local storage usage exceeds the total limit of containers ${10 * Mi}. `);
  expect(usage(0, 2 * Mi, 0)).toBe('Container a exceeded its local ephemeral storage limit "1Mi". ');
  expect([limitsStorage(pod), limitsStorage(examplePod("q", { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] })), limitsStorage(examplePod("q", { volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }] }))]).toEqual([true, true, false]);
});

test("subPathOf() replaces every variable, and leaves what is escaped", () => {
  const path = (subPathExpr: string): string => subPathOf({ mount: { name: "v", mountPath: "/v", readOnly: false, subPathExpr }, env: [{ name: "A", value: "x/y" }, { name: "UP", value: ".." }] });
  expect(path("a/$(A)/$$(A)")).toBe("a/x/y/$(A)");
  expect(() => path("$(B)")).toThrow('missing value for "B"');
  expect(() => path("a/$(UP)/b")).toThrow("it must be a relative path without '..'");
});

test("propagationOf() finds the mount that a path is on, and which way mounts go through it", () => {
  const text = "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n2 1 8:2 / /a rw - ext4 /dev/b rw\n3 2 8:3 / /a/b rw master:4 - ext4 /dev/c rw\n";
  expect(["/x", "/a", "/ab", "/a/b/c"].map((path) => propagationOf(text, path))).toEqual([
    { point: "/", propagation: "shared" }, { point: "/a", propagation: "private" }, { point: "/", propagation: "shared" }, { point: "/a/b", propagation: "slave" },
  ]);
});

test("groupMode() adds what the kubelet adds", () => {
  expect(groupMode(0o600, { directory: false, readOnly: false })).toBe(0o660);
  expect(groupMode(0o400, { directory: false, readOnly: true })).toBe(0o440);
  expect(groupMode(0o700, { directory: true, readOnly: false })).toBe(0o2770);
});

test.if(process.getuid?.() === 0)("ownVolume() gives everything to the group but what links lead to, and with OnRootMismatch only when the root differs", async () => {
  const directory = mkdtempSync(`${tmpdir()}/wherry-own-`);
  try {
    mkdirSync(`${directory}/v/sub`, { recursive: true });
    writeFileSync(`${directory}/outside`, "");
    writeFileSync(`${directory}/v/sub/file`, "", { mode: 0o600 });
    chmodSync(`${directory}/v/sub/file`, 0o600);
    symlinkSync("../outside", `${directory}/v/link`);
    await ownVolume(`${directory}/v`, 4242, { readOnly: false, onlyOnMismatch: true });
    const of = (path: string): string => `${lstatSync(`${directory}/${path}`).gid} ${(statSync(`${directory}/${path}`).mode & 0o7777).toString(8)}`;
    expect([of("v/sub/file"), lstatSync(`${directory}/v/link`).isSymbolicLink(), of("outside").split(" ")[0], lstatSync(`${directory}/v`).mode & 0o2000]).toEqual(["4242 660", true, "0", 0o2000]);
    chmodSync(`${directory}/v/sub/file`, 0o600);
    await ownVolume(`${directory}/v`, 4242, { readOnly: false, onlyOnMismatch: true });
    expect(of("v/sub/file")).toBe("4242 600");
    await ownVolume(`${directory}/v`, 4242, { readOnly: false, onlyOnMismatch: false });
    expect(of("v/sub/file")).toBe("4242 660");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
