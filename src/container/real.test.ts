import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cgroupHost, killCgroup, type OciConfig, ociRuntime, ownCapabilities, removeCgroup } from "../runtime/mod.ts";
import { newContainerId, type ResourceRequirements } from "../spec/spec.ts";
import { ociConfig } from "./config.ts";
import type { ConfigInput } from "./container.ts";
import { containerOf, image, inputOf } from "./fixtures.ts";
import { hostLimits } from "./host.ts";
import { serviceContainerConfig } from "./service.ts";

/** Need not exist: on v1 only its place matters. */
const BASE = "/wherry";
const TIMEOUT = 60_000;
const CGROUP = `/wherry-config-test-${process.pid}`;

if (process.getuid?.() !== 0) {
  test.skip("ociConfig makes configurations that crun and runc run (needs root)", () => undefined);
} else if (cgroupHost().hybrid) {
  test("ociConfig makes configurations that crun and runc run, in a room without the v2 tree", async () => {
    const inside = `umount -l /sys/fs/cgroup/unified; exec "$0" test "$1"`;
    const child = Bun.spawn(["unshare", "-m", "sh", "-c", inside, process.execPath, import.meta.path], { stdio: ["ignore", "ignore", "pipe"] });
    const [status, output] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    if (status !== 0) console.error(output);
    expect(status).toBe(0);
  }, 300_000);
} else {
  for (const binary of ["crun", "runc"] as const) describe(binary, () => suite(binary));
}

function suite(binary: "crun" | "runc"): void {
  test(`ociConfig gives a container its defaults under ${binary}`, async () => {
    const script = "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status; cat /proc/mounts; ulimit -n; echo adj $(cat /proc/self/oom_score_adj); mkdir /sys/x || echo no-sys; echo > /proc/sys/kernel/hostname || echo no-proc-sys; cat /proc/kcore | wc -c; pwd; env; echo > /dev/null && echo null-ok";
    const log = await output(binary, (rootfs, cgroupsPath) => configOf(script, rootfs, cgroupsPath));
    expect(log).toContain("CapEff:\t00000000a80425fb");
    expect(log).toContain("NoNewPrivs:\t0");
    expect(log).toContain("Seccomp:\t2");
    for (const at of ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"]) expect(log).toMatch(new RegExp(`^\\S+ ${at} `, "m"));
    expect(log).toMatch(/^\S+ \/sys\/fs\/cgroup\S* \S+ ro/m);
    expect(log).toContain("no-sys");
    expect(log).toContain("no-proc-sys");
    expect(log).toContain("HOSTNAME=shop");
    expect(log).toContain("null-ok");
  }, TIMEOUT);

  test(`ociConfig gives a limited container its limits under ${binary}`, async () => {
    const script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.shares";
    const log = await output(binary, (rootfs, cgroupsPath) => configOf(script, rootfs, cgroupsPath, { limits: { cpu: "500m", memory: "64Mi" } }));
    if (cgroupHost().version === "v1") expect(log).toBe("67108864\n50000\n512\n");
  }, TIMEOUT);

  test(`ociConfig gives another user no capabilities under ${binary}`, async () => {
    const identity = { uid: 101, gid: 102, additionalGids: [103], home: "/" };
    const script = "id -u; id -g; grep CapEff /proc/self/status";
    const log = await output(binary, (rootfs, cgroupsPath) => ociConfig({ ...inputFor(script, rootfs, cgroupsPath), identity }).config);
    expect(log).toBe("101\n102\nCapEff:\t0000000000000000\n");
  }, TIMEOUT);

  test(`serviceContainerConfig runs on the host itself with all capabilities under ${binary}`, async () => {
    const script = "grep ^CapEff: /proc/self/status; readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net; cat /proc/self/cgroup; env";
    const log = await output(binary, (_, cgroupsPath) =>
      serviceContainerConfig({ args: ["/bin/sh", "-c", script], env: ["PATH=/usr/bin:/bin", "X=1"], cgroupsPath, capabilities: ownCapabilities() }));
    const self = Bun.spawnSync(["sh", "-c", "grep ^CapEff: /proc/self/status; readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net"]).stdout.toString();
    expect(log).toStartWith(self);
    expect(log).toContain(CGROUP);
    expect(log).toContain("X=1");
  }, TIMEOUT);
}

const inputFor = (script: string, rootfs: string, cgroupsPath: string, resources: ResourceRequirements = { limits: {} }): ConfigInput =>
  inputOf({
    rootfs, cgroupsPath, binds: [], image: { ...image, env: [] }, container: containerOf({ command: ["/bin/sh", "-c", script], resources }),
    namespaces: { ipc: `/proc/${process.pid}/ns/ipc` }, host: hostLimits(BASE, { policy: "/nonexistent" }),
  });

const configOf = (...args: Parameters<typeof inputFor>): OciConfig => ociConfig(inputFor(...args)).config;

/** The output of a container to its end; nothing of it is left. */
async function output(binary: "crun" | "runc", config: (rootfs: string, cgroupsPath: string) => OciConfig): Promise<string> {
  const directory = mkdtempSync("/tmp/wherry-config-");
  const runtime = ociRuntime({ root: `${directory}/state`, runtimeBinary: binary });
  const id = newContainerId();
  const bundle = `${directory}/bundle`;
  for (const part of ["bin", "proc", "dev", "sys"]) mkdirSync(`${directory}/rootfs/${part}`, { recursive: true });
  writeFileSync(`${directory}/rootfs/bin/busybox`, readFileSync("/bin/busybox"), { mode: 0o755 });
  for (const applet of ["sh", "grep", "cat", "mkdir", "wc", "env", "id", "pwd"]) symlinkSync("busybox", `${directory}/rootfs/bin/${applet}`);
  try {
    const request = { id, bundle, config: config(`${directory}/rootfs`, `${CGROUP}/${id}`), logPath: `${directory}/log`, logSizeMax: 1e6, journal: false, name: "t", tag: "t", labels: {} };
    await runtime.create(request);
    await runtime.start(id);
    await runtime.ended(bundle);
    return readFileSync(`${directory}/log`, "utf8").replace(/^\S+ std(out|err) [FP] /gm, "");
  } finally {
    await runtime.remove(id, bundle);
    rmSync(directory, { recursive: true, force: true });
    await killCgroup(CGROUP);
    await removeCgroup(CGROUP);
  }
}
