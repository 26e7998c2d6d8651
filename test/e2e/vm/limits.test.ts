/** Limits where the kernel has all of them: one tree of cgroups, version 2, as root. */
import { expect } from "bun:test";
import { dirname } from "node:path";
import { eventually } from "../../harness/eventually.ts";
import { IMAGE } from "../../harness/image.ts";
import { container, pod, podText } from "../../harness/objects.ts";
import { openVm, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { property, systemctl, unitOf } from "../../harness/units.ts";

const scenario = await scenarios(openVm);
const ROOT = "/sys/fs/cgroup";

async function play(room: Room, name: string, text: string): Promise<void> {
  await room.write(`/srv/${name}.yaml`, text);
  await room.ok(["play", `/srv/${name}.yaml`], { timeout: 60_000 });
}

/** The directory of a pod's cgroup. */
async function cgroupOf(room: Room, name: string): Promise<string> {
  const { metadata } = await pod(room, name);
  const { stdout } = await room.run(["find", ROOT, "-type", "d", "-name", metadata.uid]);
  expect(stdout.trim().split("\n")).toHaveLength(1);
  return stdout.trim();
}

const read = async (room: Room, file: string): Promise<string> => (await room.run(["cat", file])).stdout.trim();

scenario("who takes more memory than its limit is ended alone: OOMKilled with 137, while its pod's other container goes on", async (room) => {
  const other = `- {name: other, image: ${IMAGE}, command: [sleep, "100000"]}`;
  await play(room, "hog", podText("hog", { restartPolicy: "Never", script: "sleep 3; exec tail /dev/zero", container: "resources: {limits: {memory: 32Mi}}", spec: other }));
  await eventually(async () => {
    expect((await container(room, "hog")).state.terminated).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
  }, { within: 20_000 });
  expect(await container(room, "hog", "other")).toMatchObject({ ready: true, restartCount: 0 });
  expect((await container(room, "hog", "other")).state.running).toBeDefined();
});

scenario("a limit of the processor holds within a tenth", async (room) => {
  await play(room, "busy", podText("busy", { script: "trap 'exit 0' TERM; while :; do :; done", container: "resources: {limits: {cpu: 200m}}" }));
  const cgroup = await cgroupOf(room, "busy");
  expect(await read(room, `${cgroup}/cpu.max`)).toBe("20000 100000");
  const script = `used() { sed -n 's/^usage_usec //p' ${cgroup}/cpu.stat; }; now() { read -r up _ </proc/uptime; echo "$up"; }; echo "$(now) $(used)"; sleep 10; echo "$(now) $(used)"`;
  const [first = [], second = []] = (await room.run(["sh", "-c", script])).stdout.trim().split("\n").map((line) => line.split(" ").map(Number));
  const cores = ((second[1] ?? 0) - (first[1] ?? 0)) / 1e6 / ((second[0] ?? 0) - (first[0] ?? 0));
  console.log(`limit of 0.2 cores: ${cores.toFixed(3)} used`);
  expect(cores).toBeWithin(0.18, 0.22);
});

scenario("a fork bomb stops at the limit of its pod, and the machine goes on", async (room) => {
  await room.write("/var/lib/wherry/pod-pids-limit", "64\n");
  try {
    await play(room, "bomb", podText("bomb", { restartPolicy: "Never", script: "(while :; do sleep 100000 & done) & exec sleep 100000" }));
    const cgroup = await cgroupOf(room, "bomb");
    expect(await read(room, `${cgroup}/pids.max`)).toBe("64");
    // The kernel counts a fork that failed where it was tried.
    await eventually(async () => expect((await room.run(["sh", "-c", `cat ${cgroup}/*/pids.events`])).stdout).toMatch(/^max [1-9]/m), { within: 20_000 });
    expect(Number(await read(room, `${cgroup}/pids.current`))).toBeLessThanOrEqual(64);
    await room.ok(["pod", "kill", "bomb"]);
  } finally {
    await room.run(["rm", "/var/lib/wherry/pod-pids-limit"]);
  }
});

/** Kubernetes has no field for it: the limit is the unit's, which all pods of a file share. */
scenario("a limit of what a unit writes to a disk holds within a tenth for the pods in it", async (room) => {
  const unit = unitOf("/srv/writes.yaml"), megabytes = 6;
  const script = `read -r begin _ </proc/uptime; dd if=/dev/zero of=/data/file bs=64k count=${megabytes * 16} oflag=direct 2>/dev/null; read -r end _ </proc/uptime; echo "$begin $end"`;
  await room.write("/srv/writes.yaml", podText("writes", { container: "volumeMounts: [{name: data, mountPath: /data}]", spec: "volumes: [{name: data, emptyDir: {}}]" }));
  await room.write(`/run/systemd/system/${unit}.d/slow.conf`, "[Service]\nIOWriteBandwidthMax=/var/lib 1M\n");
  try {
    await systemctl(room, "daemon-reload");
    await systemctl(room, "start", unit);
    const [begin = 0, end = 0] = (await room.ok(["exec", "writes", "--", "sh", "-c", script], { timeout: 60_000 })).split(" ").map(Number);
    console.log(`limit of 1 MB/s: ${((megabytes * 1.048576) / (end - begin)).toFixed(3)} MB/s written`);
    expect((megabytes * 1.048576) / (end - begin)).toBeWithin(0.9, 1.1);
  } finally {
    await systemctl(room, "stop", unit);
    await room.run(["rm", "-r", `/run/systemd/system/${unit}.d`]);
    await systemctl(room, "daemon-reload");
  }
});

const WALK = `
cgroup=$1
while [ "$cgroup" != ${ROOT} ]; do
  echo "$cgroup|$(cat "$cgroup/cgroup.subtree_control")|$(wc -l <"$cgroup/cgroup.procs")|$(cat "$cgroup/cgroup.type")"
  cgroup=\${cgroup%/*}
done
find "$2" -type d | while read -r cgroup; do
  echo "$cgroup|$(cat "$cgroup/cgroup.subtree_control")|$(wc -l <"$cgroup/cgroup.procs")|$(cat "$cgroup/cgroup.type")"
done`;

interface Cgroup {
  readonly path: string;
  readonly controllers: readonly string[];
  readonly processes: number;
  readonly type: string;
}

/** The cgroups above one, and all that are below another. */
async function cgroups(room: Room, from: string, base: string): Promise<readonly Cgroup[]> {
  const { stdout } = await room.run(["sh", "-c", WALK, "-", from, base]);
  return stdout.trim().split("\n").map((line) => {
    const [path = "", controllers = "", processes = "", type = ""] = line.split("|");
    return { path, controllers: controllers.split(" ").filter(Boolean), processes: Number(processes), type };
  });
}

/** No process where controllers are handed down; what limits are set with comes down from the root to every container. */
async function expectLayout(room: Room, name: string, base: string): Promise<void> {
  const own = await cgroupOf(room, name);
  const found = await cgroups(room, own, base);
  expect(found.filter(({ controllers, processes }) => controllers.length > 0 && processes > 0)).toEqual([]);
  expect(found.filter(({ type }) => type !== "domain")).toEqual([]);
  const above = found.filter(({ path }) => `${own}/`.startsWith(`${path}/`));
  for (const { path, controllers } of above) expect({ path, controllers }).toEqual({ path, controllers: expect.arrayContaining(["cpu", "memory", "pids"]) });
  const [main] = found.filter(({ path }) => path.startsWith(`${own}/`));
  expect(main?.processes).toBeGreaterThan(0);
  for (const file of ["cpu.max", "memory.max", "pids.max", "io.stat"]) expect({ file, status: (await room.run(["test", "-e", `${main?.path}/${file}`])).status }).toEqual({ file, status: 0 });
}

const LIMITED = "resources: {limits: {cpu: 500m, memory: 64Mi}}";

scenario("no process is in an inner cgroup, and controllers come down from the root: played by hand", async (room) => {
  await play(room, "hand", podText("hand", { container: LIMITED }));
  const scope = dirname(await cgroupOf(room, "hand"));
  expect(scope).toMatch(/^\/sys\/fs\/cgroup\/system\.slice\/wherry-hand-\w+\.scope$/);
  await expectLayout(room, "hand", scope);
});

scenario("no process is in an inner cgroup, and controllers come down from the root: in a unit", async (room) => {
  await room.write("/srv/unit.yaml", podText("unit", { container: LIMITED }));
  await systemctl(room, "start", unitOf("/srv/unit.yaml"));
  const group = await property(room, unitOf("/srv/unit.yaml"), "ControlGroup");
  expect(await cgroupOf(room, "unit")).toStartWith(`${ROOT}${group}/`);
  await expectLayout(room, "unit", `${ROOT}${group}`);
  expect(await read(room, `${await cgroupOf(room, "unit")}/memory.max`)).toBe(String(64 * 2 ** 20));
});
