import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, pod, podText } from "../../harness/objects.ts";
import { IMAGE } from "../../harness/image.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

interface Asked {
  readonly container?: string;
  readonly pod?: string;
}

async function play(room: Room, name: string, { container: own = "", pod: shared = "" }: Asked): Promise<void> {
  await room.write(`/run/${name}.yaml`, podText(name, { container: own, spec: shared }));
  await room.ok(["play", `/run/${name}.yaml`]);
}

const inside = (room: Room, name: string, script: string): Promise<string> => room.ok(["exec", name, "--", "sh", "-c", script]);

/** A field of /proc/PID/status of the container's first process. */
async function status(room: Room, name: string, field: string): Promise<string> {
  return (await inside(room, name, `grep ^${field}: /proc/1/status`)).split(":")[1]?.trim().replaceAll(/\s+/g, " ") ?? "";
}

scenario("users and groups are those of the container, then of the pod, then of the image", async (room) => {
  await play(room, "who", {
    pod: "securityContext: {runAsUser: 1000, runAsGroup: 2000, runAsNonRoot: true, supplementalGroups: [4000, 4001]}",
    container: "securityContext: {runAsUser: 1001}",
  });
  expect(await status(room, "who", "Uid")).toBe("1001 1001 1001 1001");
  expect(await status(room, "who", "Gid")).toBe("2000 2000 2000 2000");
  expect((await status(room, "who", "Groups")).split(" ").map(Number).toSorted((a, b) => a - b)).toEqual([2000, 4000, 4001]);
  expect(await status(room, "who", "CapEff")).toBe("0000000000000000");
  expect((await container(room, "who")).user).toEqual({ linux: { uid: 1001, gid: 2000, supplementalGroups: [2000, 4000, 4001] } });
});

scenario("a container that must not run as root does not", async (room) => {
  await room.write("/run/root.yaml", podText("root", { container: "securityContext: {runAsNonRoot: true}" }));
  const play = await room.wherry(["play", "/run/root.yaml"]);
  expect([play.status, play.stderr]).toEqual([0, expect.stringMatching(/^Warning: pod "root" is not ready: container "main" waits: CreateContainerConfigError: container has runAsNonRoot .*; it is tried again, "wherry describe pod root" shows it$/m)]);
  await eventually(async () => {
    const { waiting } = (await container(room, "root")).state;
    expect(waiting).toMatchObject({ reason: "CreateContainerConfigError", message: expect.stringContaining("container has runAsNonRoot and image will run as root (pod: \"root_default(") });
  }, { within: 5_000 });
});

scenario("rights are the default ones, fewer, or more, and escalation can be forbidden", async (room) => {
  await play(room, "plain", {});
  expect([await status(room, "plain", "CapBnd"), await status(room, "plain", "NoNewPrivs"), await status(room, "plain", "Seccomp")]).toEqual(["00000000a80425fb", "0", "2"]);
  await play(room, "less", { container: "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE, SYS_PTRACE]}}" });
  expect([await status(room, "less", "CapEff"), await status(room, "less", "CapBnd"), await status(room, "less", "NoNewPrivs")]).toEqual(["0000000000080400", "0000000000080400", "1"]);
});

scenario("a privileged container has the rights and devices of the host, and can write /sys", async (room) => {
  await play(room, "mighty", { container: "securityContext: {privileged: true}" });
  const own = /^CapEff:\s*(\w+)/m.exec((await room.run(room.reaching(["grep", "CapEff", "/proc/self/status"]))).stdout)?.[1];
  expect([await status(room, "mighty", "CapEff"), await status(room, "mighty", "Seccomp")]).toEqual([own ?? "", "0"]);
  const devices = async (script: string): Promise<string> => inside(room, "mighty", script);
  const [device] = (await room.run(["sh", "-c", "cd /dev; for d in fuse kvm net/tun loop-control vda; do [ -e $d ] && stat -c '%n %t:%T' $d; done"])).stdout.split("\n");
  expect((await devices(`cd /dev; stat -c '%n %t:%T' ${device?.split(" ")[0]}`)).trim()).toBe(device ?? "");
  expect(await inside(room, "mighty", "grep ' /sys ' /proc/mounts")).toContain(" rw,");
  expect(await inside(room, "mighty", "grep -c ' /proc/' /proc/mounts || true")).toBe("0\n");
});

scenario("a root filesystem can be read-only", async (room) => {
  await play(room, "fixed", { container: "securityContext: {readOnlyRootFilesystem: true}\nvolumeMounts: [{name: scratch, mountPath: /scratch}]", pod: "volumes: [{name: scratch, emptyDir: {}}]" });
  expect((await room.wherry(["exec", "fixed", "--", "touch", "/x"])).stderr).toContain("Read-only file system");
  await inside(room, "fixed", "touch /scratch/x");
  expect(await inside(room, "fixed", "grep -c ' /proc/' /proc/mounts")).not.toBe("0\n");
});

scenario("seccomp profiles are the default one, none, or a file of the administrator", async (room) => {
  await room.write(`${room.directories.durable}/seccomp/no-mkdir.json`, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 122 }] }));
  await play(room, "open", { pod: "securityContext: {seccompProfile: {type: Unconfined}}" });
  expect(await status(room, "open", "Seccomp")).toBe("0");
  await play(room, "own", { pod: "securityContext: {seccompProfile: {type: Unconfined}}", container: "securityContext: {seccompProfile: {type: Localhost, localhostProfile: no-mkdir.json}}" });
  expect((await room.wherry(["exec", "own", "--", "mkdir", "/x"])).stderr).toContain("quota");
  await room.write("/run/none.yaml", podText("none", { container: "securityContext: {seccompProfile: {type: Localhost, localhostProfile: none.json}}" }));
  expect((await room.wherry(["play", "/run/none.yaml"])).stderr).toContain(`Cannot load seccomp profile "${room.directories.durable}/seccomp/none.json"`);
});

scenario("kernel parameters are set in the pod alone, and only those that are allowed", async (room) => {
  const asked = (name: string, value: string): string => `securityContext: {sysctls: [{name: ${name}, value: "${value}"}]}`;
  await play(room, "safe", { pod: asked("net.ipv4.ip_unprivileged_port_start", "7") });
  expect(await inside(room, "safe", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")).toBe("7\n");
  expect((await room.run(["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"])).stdout).not.toBe("7\n");

  await room.write("/run/unsafe.yaml", podText("unsafe", { spec: asked("kernel.msgmax", "4321") }));
  const refused = await room.wherry(["play", "/run/unsafe.yaml"]);
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('forbidden sysctl: "kernel.msgmax" not allowlisted')]);
  expect((await pod(room, "unsafe")).status).toMatchObject({ phase: "Failed", reason: "SysctlForbidden" });
  await room.ok(["down", "unsafe"]);

  await room.write(`${room.directories.durable}/allowed-unsafe-sysctls`, "# of messages\nkernel.msg*\n");
  await room.ok(["play", "/run/unsafe.yaml"]);
  expect(await inside(room, "unsafe", "cat /proc/sys/kernel/msgmax")).toBe("4321\n");
  expect((await room.run(["cat", "/proc/sys/kernel/msgmax"])).stdout).not.toBe("4321\n");
});

scenario("what the kernel has no module for is told: AppArmor rejects the pod, SELinux labels are an event", async (room) => {
  if ((await room.run(["test", "-e", "/sys/module/apparmor"])).status === 0) return;
  await room.write("/run/armor.yaml", podText("armor", { container: "securityContext: {appArmorProfile: {type: RuntimeDefault}}" }));
  expect((await room.wherry(["play", "/run/armor.yaml"])).stderr).toContain("Cannot enforce AppArmor");
  expect((await pod(room, "armor")).status).toMatchObject({ phase: "Failed", reason: "AppArmor" });
  await play(room, "label", { container: 'securityContext: {appArmorProfile: {type: Unconfined}, seLinuxOptions: {level: "s0:c1"}}' });
  expect(await room.ok(["events"])).toContain("enforces no SELinux");
});

scenario("a pod can be in the host's PID and IPC namespaces", async (room) => {
  await play(room, "host", { pod: "hostPID: true\nhostIPC: true", container: "" });
  const namespaces = async (which: string): Promise<readonly string[]> => [await inside(room, "host", `readlink /proc/self/ns/${which}`), (await room.run(["readlink", `/proc/self/ns/${which}`])).stdout];
  for (const which of ["pid", "ipc"]) {
    const [pods, hosts] = await namespaces(which);
    expect(pods).toBe(hosts ?? "");
  }
  await room.run(["sh", "-c", "echo shared >/dev/shm/wherry-test"]);
  expect(await inside(room, "host", "cat /dev/shm/wherry-test; rm /dev/shm/wherry-test")).toBe("shared\n");
  expect(await inside(room, "host", "ps")).toContain("conmon");
});

scenario("containers of a pod can share one PID namespace, whose first process takes in orphans", async (room) => {
  const second = `- {name: second, image: ${IMAGE}, command: [sleep, "77777"]}\nshareProcessNamespace: true`;
  await play(room, "shared", { pod: second });
  const processes = await inside(room, "shared", "ps");
  expect(processes).toMatch(/^ +1 .*\/pause/m);
  expect(processes).toContain("sleep 77777");
  expect(await inside(room, "shared", "(sleep 0.1 &); sleep 0.5; cat /proc/[0-9]*/status | grep -c '^State:.*zombie' || true")).toBe("0\n");
  const { metadata } = await pod(room, "shared");
  const [holder = ""] = (await room.run(["pgrep", "-f", "^/pause -P"])).stdout.split("\n");
  await room.run(["kill", "-KILL", holder]);
  await eventually(async () => expect([(await container(room, "shared")).restartCount, (await container(room, "shared", "second")).restartCount]).toEqual([1, 1]), { within: 10_000 });
  expect(await inside(room, "shared", "ps")).toContain("sleep 77777");
  expect((await pod(room, "shared")).metadata.uid).toBe(metadata.uid);
});
