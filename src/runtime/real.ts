/** The contract suite's harness on real conmon, crun and runc, and what only they can be asked. For tests only. */
import { expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mount, MS_BIND } from "../base/libc.ts";
import { startTimeOf } from "../base/pidFile.ts";
import { newContainerId } from "../spec/spec.ts";
import { cgroupHost, directoriesOf } from "./cgroup.ts";
import { killCgroup, processesOf } from "./cgroupProcesses.ts";
import { removeCgroup } from "./cgroupTree.ts";
import { type Act, type Harness, ready, runtimeContract } from "./contract.ts";
import type { OciConfig } from "./oci.ts";
import { isLearned } from "./learned.ts";
import { ociRuntime } from "./ociRuntime.ts";
import { commandLine } from "./process.ts";
import { ownCapabilities } from "./rlimits.ts";
import type { CreateRequest, RunRequest } from "./runtime.ts";

const SCRIPTS: Readonly<Record<Act, readonly string[]>> = {
  echo: ["cat"],
  "exit 7": ["sh", "-c", "exit 7"],
  "wait for SIGTERM": ["sh", "-c", "trap 'exit 143' TERM; echo ready; while :; do sleep 1000 & wait $!; done"],
  "ignore SIGTERM": ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000 & wait $!; done"],
  "missing program": ["no-such-program"],
};

/** A container of busybox with its own pid and mount namespace. */
export function busyConfig(args: readonly string[], cgroupsPath: string, rootfs = "rootfs"): OciConfig {
  return {
    ociVersion: "1.0.2",
    process: { terminal: false, user: { uid: 0, gid: 0 }, args, env: ["PATH=/bin"], cwd: "/", noNewPrivileges: true },
    root: { path: rootfs, readonly: false },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: [] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
    ],
    annotations: {},
    linux: { namespaces: [{ type: "pid" }, { type: "mount" }], cgroupsPath },
  };
}

interface Room extends Harness {
  readonly directory: string;
  readonly cgroup: string;
  requestFor(config: (cgroupsPath: string) => OciConfig): CreateRequest;
}

function openRoom(binary: "crun" | "runc"): Room {
  const directory = mkdtempSync("/tmp/wherry-runtime-");
  const cgroup = `/wherry-test-${process.pid}-${binary}`;
  const rootfs = `${directory}/rootfs`;
  for (const part of ["bin", "dev", "proc", "tmp"]) mkdirSync(`${rootfs}/${part}`, { recursive: true });
  writeFileSync(`${rootfs}/bin/busybox`, readFileSync("/bin/busybox"), { mode: 0o755 });
  for (const applet of ["sh", "sleep", "true", "cat", "ls", "readlink"]) symlinkSync("busybox", `${rootfs}/bin/${applet}`);
  const requestFor = (config: (cgroupsPath: string) => OciConfig, id = newContainerId()): CreateRequest => ({
    id, bundle: `${directory}/bundles/${id}`, config: config(`${cgroup}/${id}`), logPath: `${directory}/logs/${id}.log`,
    logSizeMax: 1_000_000, journal: true, name: `k8s_test_${id}`, tag: "test", labels: { "io.kubernetes.pod.name": "test" },
  });
  return {
    directory, cgroup, requestFor,
    runtime: ociRuntime({ root: `${directory}/state`, runtimeBinary: binary }),
    request: (id, act) => requestFor((path) => busyConfig(SCRIPTS[act], path, rootfs), id),
    killMonitor: (_, pid) => void process.kill(pid, "SIGKILL"),
    leaks: () => leaksOf(directory, cgroup),
    async dispose() {
      await killCgroup(cgroup);
      rmSync(directory, { recursive: true, force: true });
      await removeCgroup(cgroup);
    },
  };
}

function leaksOf(directory: string, cgroup: string): readonly string[] {
  const processes = readdirSync("/proc").map(Number).filter((pid) => pid > 0 && startTimeOf(pid) !== undefined && commandLine(pid).some((word) => word.includes(directory)));
  const cgroups = directoriesOf(cgroup).concat(`/sys/fs/cgroup/unified${cgroup}`).flatMap((path) => (existsSync(path) ? readdirSync(path, { withFileTypes: true }).filter((each) => each.isDirectory()).map((each) => `${path}/${each.name}`) : []));
  const records = existsSync(`${directory}/state`) ? readdirSync(`${directory}/state`).filter((name) => !isLearned(name)) : [];
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) => line.includes(directory));
  return [...processes.map((pid) => `process ${pid} ${commandLine(pid).join(" ")}`), ...cgroups, ...records, ...mounts];
}

export function realSuite(binary: "crun" | "runc"): void {
  const room = openRoom(binary);
  const { runtime } = room;
  const rootfs = `${room.directory}/rootfs`;
  const titled = (title: string, body: () => Promise<void>): void => test(`ociRuntime with ${binary} ${title}`, body, 120_000);
  const sh = (script: string) => (path: string) => busyConfig(["sh", "-c", script], path, rootfs);
  const run = async (request: CreateRequest) => {
    const created = await runtime.create(request);
    await runtime.start(request.id);
    return created;
  };
  runtimeContract(`ociRuntime with ${binary}`, room);

  titled("names itself with its version", async () => {
    expect(runtime.name).toMatch(new RegExp(`^${binary} \\d`));
  });

  titled("writes the log in CRI format", async () => {
    const request = room.requestFor(sh("echo hello; echo oops >&2"));
    await run(request);
    await runtime.ended(request.bundle);
    const log = readFileSync(request.logPath, "utf8");
    expect(log).toMatch(/^\S+ stdout F hello$/m);
    expect(log).toMatch(/^\S+ stderr F oops$/m);
    await runtime.remove(request.id, request.bundle);
  });

  titled("gives the payload none of its own descriptors and variables", async () => {
    const request = room.request(newContainerId(), "wait for SIGTERM");
    const { pid, monitorPid } = await run(request);
    await ready(request);
    const open = (of: number) => readdirSync(`/proc/${of}/fd`).map((fd) => readlinkSync(`/proc/${of}/fd/${fd}`));
    expect(open(pid).filter((target) => target.includes(room.directory))).toEqual([]);
    expect(open(pid)).toHaveLength(3);
    expect(open(monitorPid).filter((target) => target.endsWith("/life"))).toEqual([`${request.bundle}/life`]);
    expect(readFileSync(`/proc/${monitorPid}/environ`, "utf8")).not.toContain("NOTIFY_SOCKET");
    await runtime.remove(request.id, request.bundle);
  });

  titled("leaves no file in the bundle and no empty log when a container cannot be created", async () => {
    const request = room.request(newContainerId(), "missing program");
    await runtime.create(request).catch(() => undefined);
    expect(existsSync(request.bundle)).toBe(false);
    expect(existsSync(request.logPath)).toBe(false);
  });

  titled("says what is wrong when the root filesystem is missing", async () => {
    const request = room.requestFor((path) => busyConfig(["sh"], path, `${room.directory}/nowhere`));
    expect(runtime.create(request)).rejects.toMatchObject({ kind: "failed", message: expect.stringContaining("nowhere") });
  });

  titled("takes an abort while creating as a failure that leaves nothing", async () => {
    const request = room.request(newContainerId(), "exit 7");
    expect(await runtime.create({ ...request, signal: AbortSignal.timeout(2) }).catch((thrown: unknown) => thrown)).toMatchObject({ kind: "failed" });
    expect(await runtime.observe(request.id, request.bundle)).toMatchObject({ status: "absent" });
    expect(existsSync(request.bundle)).toBe(false);
  });

  titled("removes what a creator killed at any moment has left", async () => {
    for (let delay = 0; delay <= 30; delay += 3) {
      const request = room.request(newContainerId(), "wait for SIGTERM");
      const creator = Bun.spawn([process.execPath, "-e", creatorScript(room.directory, binary, request)], { stdio: ["ignore", "pipe", "inherit"] });
      await creator.stdout.getReader().read();
      await Bun.sleep(delay);
      process.kill(creator.pid, "SIGKILL");
      await creator.exited;
      await runtime.remove(request.id, request.bundle);
      expect(await runtime.observe(request.id, request.bundle)).toMatchObject({ status: "absent", monitored: false });
      expect(processesOf(`${room.cgroup}/${request.id}`)).toEqual([]);
    }
  });

  titled("removes a record in which its creator has left a mount", async () => {
    const id = newContainerId();
    const { bundle } = room.request(id, "exit 7");
    const file = `${room.directory}/state/${id}/runc.a1B2c3`;
    mkdirSync(`${room.directory}/state/${id}`, { recursive: true });
    writeFileSync(file, "");
    mount("/bin/busybox", file, "", MS_BIND);
    await runtime.remove(id, bundle);
    expect(existsSync(`${room.directory}/state/${id}`)).toBe(false);
  });

  titled("creates again over the remains of an earlier attempt", async () => {
    const request = room.request(newContainerId(), "exit 7");
    await run(request);
    await runtime.ended(request.bundle);
    await run(request);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 7 });
    await runtime.remove(request.id, request.bundle);
  });

  titled("reports the end although a grandchild outside a pid namespace holds stdout, and removes the grandchild", async () => {
    const request = room.requestFor((path) => bare("sleep 1000 & exit 3", path));
    await run(request);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 3 });
    expect(processesOf(`${room.cgroup}/${request.id}`)).toHaveLength(1);
    await runtime.remove(request.id, request.bundle);
    expect(processesOf(`${room.cgroup}/${request.id}`)).toEqual([]);
  });

  titled("removes a grandchild that never stops writing", async () => {
    const request = room.requestFor((path) => bare("(trap '' TERM; while :; do echo noise; done) & exit 3", path));
    await run(request);
    await runtime.remove(request.id, request.bundle);
    expect(processesOf(`${room.cgroup}/${request.id}`)).toEqual([]);
    expect(await runtime.ended(request.bundle)).toBeDefined();
  });

  titled("runs processes in a container and returns their status", async () => {
    const request = room.request(newContainerId(), "wait for SIGTERM");
    await run(request);
    const words = { env: ["X=5"], cwd: "/tmp", interactive: false };
    expect(await runtime.exec(request.id, { ...words, args: ["sh", "-c", "exit $X"] })).toBe(5);
    expect(await runtime.exec(request.id, { ...words, args: ["sh", "-c", "kill -9 $$"] })).toBe(137);
    expect(await runtime.exec(request.id, { ...words, args: ["no-such-program"] })).toBe(127);
    expect(await runtime.exec(request.id, { ...words, args: ["/proc/version"] })).toBe(126);
    expect(readdirSync(request.bundle).filter((file) => file.startsWith("exec"))).toEqual([]);
    await runtime.remove(request.id, request.bundle);
    expect(runtime.exec(request.id, { ...words, args: ["true"] })).rejects.toMatchObject({ kind: "notFound" });
  });

  titled("keeps what a process says, and kills it with all it has started when its time is over", async () => {
    const request = room.request(newContainerId(), "wait for SIGTERM");
    await run(request);
    const inside = (): number => processesOf(`${room.cgroup}/${request.id}`).length;
    while (inside() < 2) await Bun.sleep(2);
    const begin = (script: string, more: Partial<RunRequest> = {}) => runtime.run(request.id, { args: ["sh", "-c", script], outputMax: 20, ...more });
    expect(await begin("echo out; echo err >&2; exit 3")).toEqual({ is: "ended", status: 3, output: "out\nerr\n" });
    expect(await begin("while test $((n=n+1)) -lt 20000; do echo 0123456789; done; exit 255")).toEqual({ is: "ended", status: 255, output: "0123456789\n012345678" });
    expect(await runtime.run(request.id, { args: ["no-such-program"], outputMax: 20 })).toMatchObject({ is: "refused", message: expect.stringContaining("no-such-program") });
    expect(await begin("trap '' TERM; sleep 1000 & sleep 1000; true", { timeout: 200 })).toEqual({ is: "killed" });
    expect(await begin("sleep 1000; true", { signal: AbortSignal.timeout(100) })).toEqual({ is: "killed" });
    while (inside() > 2) await Bun.sleep(5);
    expect(readdirSync(request.bundle).filter((file) => file.startsWith("run"))).toEqual([]);
    await runtime.remove(request.id, request.bundle);
    await expect(begin("true")).rejects.toMatchObject({ kind: "notFound" });
  });

  titled("leaves no process in the container when the client of an exec is killed", async () => {
    const request = room.request(newContainerId(), "wait for SIGTERM");
    await run(request);
    const inside = (): number => processesOf(`${room.cgroup}/${request.id}`).length;
    // The payload is a shell and its sleep.
    const before = 2;
    while (inside() < before) await Bun.sleep(2);
    const client = Bun.spawn([process.execPath, "-e", clientScript(room.directory, binary, request.id)], { stdio: ["ignore", "pipe", "inherit"] });
    await client.stdout.getReader().read();
    expect(inside()).toBeGreaterThan(before);
    process.kill(client.pid, "SIGKILL");
    while (inside() > before) await Bun.sleep(5);
    await runtime.remove(request.id, request.bundle);
  });

  titled("signals every process of a container without a pid namespace, and nobody else", async () => {
    const request = room.requestFor((path) => bare("sleep 1000 & sleep 1000 & wait", path));
    const bystander = Bun.spawn(["sleep", "1000"]);
    await run(request);
    expect(await runtime.kill(request.id, "SIGKILL", { all: true })).toBe(true);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 137 });
    expect(bystander.exitCode).toBeNull();
    bystander.kill();
    await runtime.remove(request.id, request.bundle);
  });

  titled("leaves the host's /dev alone, whatever the container shares with it", async () => {
    const devices = (): readonly string[] => readdirSync("/dev").map((name) => `${name} ${lstatSync(`/dev/${name}`).ino}`).toSorted();
    const before = devices();
    const request = room.requestFor((path) => bare("test -c /dev/null", path));
    await run(request);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 0 });
    await runtime.remove(request.id, request.bundle);
    expect(devices()).toEqual(before);
  });

  titled("notices that the kernel ended a payload for want of memory", async () => {
    if (!cgroupHost().controllers.includes("memory")) return;
    const config = (path: string): OciConfig => {
      const plain = sh("x=a; while :; do x=$x$x; done")(path);
      return { ...plain, linux: { ...plain.linux, resources: { memory: { limit: 64 * 1024 * 1024 } } } };
    };
    const request = room.requestFor(config);
    await run(request);
    expect(await runtime.ended(request.bundle)).toMatchObject({ exitCode: 137, oomKilled: true });
    await runtime.remove(request.id, request.bundle);
  });
}

function bare(script: string, cgroupsPath: string): OciConfig {
  const config = busyConfig(["/bin/sh", "-c", script], cgroupsPath, "/");
  const held = ownCapabilities();
  const capabilities = { bounding: held, effective: held, permitted: held, inheritable: [], ambient: [] };
  return { ...config, process: { ...config.process, env: ["PATH=/usr/bin:/bin"], capabilities, noNewPrivileges: false }, mounts: [], linux: { namespaces: [], cgroupsPath } };
}

function creatorScript(directory: string, binary: string, request: CreateRequest): string {
  const module = JSON.stringify(`${import.meta.dir}/ociRuntime.ts`);
  return `import { ociRuntime } from ${module};
    const runtime = ociRuntime({ root: ${JSON.stringify(`${directory}/state`)}, runtimeBinary: ${JSON.stringify(binary)} });
    console.log("go");
    await runtime.create(${JSON.stringify(request)});
    await new Promise((resolve) => setTimeout(resolve, 10000));`;
}

function clientScript(directory: string, binary: string, id: string): string {
  const module = JSON.stringify(`${import.meta.dir}/ociRuntime.ts`);
  return `import { ociRuntime } from ${module};
    const runtime = ociRuntime({ root: ${JSON.stringify(`${directory}/state`)}, runtimeBinary: ${JSON.stringify(binary)} });
    await runtime.exec(${JSON.stringify(id)}, { args: ["sh", "-c", "echo go; exec sleep 1000"], env: [], cwd: "", interactive: false });`;
}
