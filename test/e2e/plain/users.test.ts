import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, documents, identities, pod, podText, STUBBORN } from "../../harness/objects.ts";
import { delays, interrupted } from "../../harness/interrupting.ts";
import { kill, processes, supervisor, supervisors } from "../../harness/processes.ts";
import { IMAGE } from "../../harness/image.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

/** Where pods' ids begin on a machine that gives them none of its own. */
const BASE = 0x70000000;

interface Own {
  readonly script?: string;
  readonly container?: string;
  readonly spec?: string;
}
const own = (name: string, { script, container: more = "", spec = "" }: Own = {}): string => podText(name, { container: more, spec: `hostUsers: false\n${spec}`, ...(script === undefined ? {} : { script }) });
const inside = (room: Room, name: string, script: string): Promise<string> => room.ok(["exec", name, "--", "sh", "-c", script]);

async function play(room: Room, ...texts: readonly string[]): Promise<void> {
  await room.write("/run/users.yaml", documents(...texts));
  await room.ok(["play", "/run/users.yaml"]);
}

/** The first id of a pod on the host, and how many it has. */
async function range(room: Room, name: string): Promise<readonly number[]> {
  const [, first = 0, count = 0] = (await inside(room, name, "cat /proc/self/uid_map")).trim().split(/\s+/).map(Number);
  expect(await inside(room, name, "cat /proc/self/gid_map")).toBe(await inside(room, name, "cat /proc/self/uid_map"));
  return [first, count];
}

/** Whom something on the host belongs to, and its mode. */
const ownerOf = async (room: Room, path: string): Promise<string> => (await room.run(["sh", "-c", `stat -c '%u:%g %a' ${path}`])).stdout.trim();

scenario("every pod has ids of its own, and root in it is nobody on the host", async (room) => {
  await play(room, own("one"), own("two"), podText("plain"));
  const [one, two] = [await range(room, "one"), await range(room, "two")];
  expect(one[1]).toBe(65_536);
  expect(two[1]).toBe(65_536);
  expect([one[0], two[0]].toSorted()).toEqual([BASE, BASE + 65_536]);
  expect((await inside(room, "plain", "cat /proc/self/uid_map")).trim().split(/\s+/)).toEqual(["0", "0", "4294967295"]);
  const users = (await room.run(["sh", "-c", "for p in $(pgrep -f '^sleep 100000'); do stat -c %u /proc/$p; done"])).stdout.trim().split("\n").map(Number);
  expect(users.toSorted()).toEqual([0, BASE, BASE + 65_536]);
  expect((await room.run(["stat", "-c", "%u", "/dev/null"])).stdout).toBe("0\n");
  expect(JSON.parse(await room.ok(["get", "pod", "one", "-o", "json"])).spec.hostUsers).toBe(false);
  await room.ok(["pod", "rm", "one", "two"]);
  expect((await room.run(["ls", "/run/lock/wherry-ids"])).stdout).toBe("lock\n");
});

scenario("ids are those of the user containers, when the host has given it some", async (room) => {
  await room.run(["sh", "-c", "for f in subuid subgid; do echo containers:3000000:131072 >/run/$f; touch /etc/$f; mount --bind /run/$f /etc/$f; done"]);
  try {
    await play(room, own("one"), own("two"));
    expect([await range(room, "one"), await range(room, "two")].map(([first]) => first).toSorted()).toEqual([3_000_000, 3_065_536]);
    await room.write("/run/more.yaml", own("three"));
    const { status, stderr } = await room.wherry(["play", "/run/more.yaml"]);
    expect([status, stderr]).toEqual([1, expect.stringContaining("FailedCreatePodSandBox: create user namespace: could not find an empty slot to allocate a user namespace")]);
    await room.ok(["pod", "rm", "one"]);
    await room.ok(["play", "--replace", "/run/more.yaml"]);
    expect(await range(room, "two")).not.toEqual(await range(room, "three"));
  } finally {
    await room.run(["umount", "/etc/subuid", "/etc/subgid"]);
  }
});

scenario("what is in the image, in volumes and in a path of the host has the ids that it has there", async (room) => {
  await room.run(["sh", "-c", "mkdir -p /run/shared; echo theirs >/run/shared/file; chown 33:44 /run/shared/file; chmod 640 /run/shared/file"]);
  const claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: kept}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}\n";
  const mounts = ["empty", "memory", "kept", "shared", "image"].map((name) => `{name: ${name}, mountPath: /${name}}`).join(", ");
  const volumes = `[{name: empty, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}, {name: kept, persistentVolumeClaim: {claimName: kept}}, {name: shared, hostPath: {path: /run/shared}}, {name: image, image: {reference: "${IMAGE}"}}]`;
  await play(room, claim, own("web", { container: `volumeMounts: [${mounts}, {name: image, mountPath: /part, subPath: bin}, {name: shared, mountPath: /one, subPath: file}]`, spec: `volumes: ${volumes}` }));
  expect(await inside(room, "web", "stat -c '%u:%g' /bin/busybox /etc /root /image/bin/busybox /part/busybox | sort -u")).toBe("0:0\n");
  expect(await inside(room, "web", "stat -c '%u:%g %a' /shared/file /one; cat /one")).toBe("33:44 640\n33:44 640\ntheirs\n");
  await inside(room, "web", "for d in empty memory kept shared; do echo x >/$d/new; chown 5:6 /$d/new; done; chown 7 /etc/hosts; echo x >/root/new");
  expect(await inside(room, "web", "stat -c '%u:%g' /empty/new /memory/new /kept/new /shared/new /root/new")).toBe("5:6\n5:6\n5:6\n5:6\n0:0\n");
  const uid = (await pod(room, "web")).metadata.uid;
  expect(await ownerOf(room, "/var/lib/wherry/volumes/default/kept/new")).toBe("5:6 644");
  expect(await ownerOf(room, "/run/shared/new")).toBe("5:6 644");
  expect(await ownerOf(room, `/var/lib/wherry/pods/${uid}/volumes/empty/new`)).toBe("5:6 644");
  expect(await ownerOf(room, `/run/wherry/pods/${uid}/hosts`)).toBe("7:0 644");
  expect(await ownerOf(room, `/var/lib/wherry/pods/${uid}/containers/*/upper/root/new`)).toBe(`${BASE}:${BASE} 644`);
  await room.run(["rm", "-r", "/run/shared"]);
});

scenario("configuration can be read by fsGroup, is updated in place, and copies go in and out", async (room) => {
  const text = (value: string): string => documents(
    `apiVersion: v1\nkind: Secret\nmetadata: {name: word}\nstringData: {key: ${value}}\n`,
    own("web", {
      container: "volumeMounts: [{name: word, mountPath: /word}, {name: data, mountPath: /data}]",
      spec: "securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000}\nvolumes: [{name: word, secret: {secretName: word, defaultMode: 0400}}, {name: data, emptyDir: {}}]",
    }),
  );
  await play(room, text("old"));
  expect(await inside(room, "web", "id -u; stat -Lc '%u:%g %a' /word/key; cat /word/key; touch /data/x; stat -c '%u:%g' /data/x")).toBe("1000\n0:2000 440\nold1000:2000\n");
  await play(room, text("new"));
  await eventually(async () => expect(await inside(room, "web", "cat /word/key")).toBe("new"), { within: 10_000 });
  await room.run(["sh", "-c", "mkdir -p /run/site; echo B >/run/site/b; chown 5:6 /run/site/b"]);
  await room.ok(["cp", "/run/site", "web:/data"]);
  await room.ok(["cp", "/run/site", "web:/tmp"]);
  expect(await inside(room, "web", "stat -c '%u:%g' /data/site /data/site/b /tmp/site/b; cat /data/site/b")).toBe("1000:1000\n1000:1000\n1000:1000\nB\n");
  await room.ok(["cp", "web:/data/site/b", "/run/site/back"]);
  expect((await room.run(["cat", "/run/site/back"])).stdout).toBe("B\n");
});

scenario("root of the pod may do in its namespaces what Kubernetes lets it do", async (room) => {
  await play(room, own("web", {
    container: "securityContext: {capabilities: {add: [NET_ADMIN, SYS_ADMIN]}}",
    spec: "securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: \"7\"}]}\nhostname: mine",
  }));
  expect(await inside(room, "web", "hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ip link set lo mtu 1400 && cat /sys/class/net/lo/mtu; mount -t tmpfs none /tmp && echo mounted")).toBe("mine\n7\n1400\nmounted\n");
  expect(await inside(room, "web", "hostname other && hostname")).toBe("other\n");
  expect((await room.run(["hostname"])).stdout).not.toBe("other\n");
  expect(await inside(room, "web", "echo x >/dev/shm/x && stat -c '%u %a' /dev/shm /dev/shm/x; dd if=/dev/zero of=/dev/null bs=1 count=1 2>/dev/null && echo devices")).toBe("0 1777\n0 644\ndevices\n");
});

scenario("a privileged container, an unmasked /proc and a common PID namespace", async (room) => {
  const second = `initContainers:\n- {name: second, image: ${IMAGE}, command: [sleep, "77777"], restartPolicy: Always, securityContext: {procMount: Unmasked}}`;
  await play(room, own("mighty", { container: "securityContext: {privileged: true}", spec: `shareProcessNamespace: true\n${second}` }));
  expect(await inside(room, "mighty", "grep -c ' /proc/' /proc/mounts || true; ps | grep -c '[/]pause'; grep ' /sys ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1")).toBe("0\n1\nrw\n");
  expect(await room.ok(["exec", "mighty", "-c", "second", "--", "sh", "-c", "grep -c ' /proc/' /proc/mounts || true"])).toBe("0\n");
  expect(await inside(room, "mighty", "cat /proc/1/uid_map")).toBe(await inside(room, "mighty", "cat /proc/self/uid_map"));
});

scenario("messages, output, probes and hooks work as elsewhere", async (room) => {
  await play(room, own("web", {
    script: "echo out >/dev/stdout; echo err >/dev/stderr; touch /ready; sleep 2; echo because >/dev/termination-log; exit 3",
    container: "readinessProbe: {exec: {command: [cat, /ready]}, periodSeconds: 1}\nlifecycle: {postStart: {exec: {command: [touch, /hooked]}}}",
  }));
  expect(await room.ok(["logs", "web"])).toBe("out\nerr\n");
  await eventually(async () => expect((await container(room, "web")).lastState?.terminated).toMatchObject({ exitCode: 3, message: "because\n" }), { within: 10_000 });
  await eventually(async () => expect(await inside(room, "web", "ls /hooked")).toBe("/hooked\n"), { within: 10_000 });
});

scenario("a supervisor that is killed leaves such pods alone, the next adopts them, and a restart keeps the ids", async (room) => {
  const text = own("web", { script: STUBBORN });
  await play(room, text);
  const [before, first] = [await identities(room), await range(room, "web")];
  await kill(room, await supervisor(room, "users"));
  await room.ok(["play", "/run/users.yaml"]);
  expect(await identities(room)).toEqual(before);
  const payloads = (await processes(room)).filter(({ command }) => command.startsWith("sleep 100000"));
  await kill(room, ...payloads.map(({ pid }) => pid));
  expect(await range(room, "web")).toEqual(first);
  await room.ok(["pod", "stop", "web"]);
  await room.ok(["pod", "start", "web"]);
  await eventually(async () => expect(await range(room, "web")).toEqual(first), { within: 10_000 });
  await kill(room, await supervisor(room, "users"));
  await room.ok(["down", "users"]);
});

scenario("after kill -9 of play and its supervisor at 8 points, play again converges, and what is mounted anew is not lost", async (room) => {
  await room.run(["sh", "-c", "mkdir -p /run/shared/deep; echo kept >/run/shared/deep/file"]);
  const text = (name: string): string => own(name, { container: "volumeMounts: [{name: shared, mountPath: /shared}]", spec: "volumes: [{name: shared, hostPath: {path: /run/shared}}]" });
  await room.write("/run/users.yaml", documents(text("one"), text("two")));
  for (const delay of delays(8, 1500)) {
    await interrupted(room, { words: ["play", "/run/users.yaml"], delay });
    await kill(room, ...(await supervisors(room)));
    await room.ok(["play", "/run/users.yaml"]);
    expect(await range(room, "one")).not.toEqual(await range(room, "two"));
    await interrupted(room, { words: ["down", "/run/users.yaml"], delay: delay / 5 });
    await kill(room, ...(await supervisors(room)));
    await room.ok(["down", "/run/users.yaml"]);
    expect((await room.run(["cat", "/run/shared/deep/file"])).stdout).toBe("kept\n");
    expect((await room.run(["ls", "/run/lock/wherry-ids"])).stdout).toBe("lock\n");
  }
  await room.run(["rm", "-r", "/run/shared"]);
}, { timeout: 180_000 });

scenario("what cannot be done is told, and not done by halves", async (room) => {
  await room.write("/run/refused.yaml", own("bad", { container: "securityContext: {procMount: Unmasked}", spec: "hostNetwork: true\nhostPID: true" }));
  const refused = await room.wherry(["play", "/run/refused.yaml"]);
  expect([refused.status, refused.stderr]).toEqual([3, expect.stringMatching(/refused\.yaml:\d+:\d+: spec\.hostNetwork: is true, should not be when `hostUsers` is false/)]);
  await room.write("/run/host.yaml", own("net"));
  expect((await room.wherry(["play", "--network", "host", "/run/host.yaml"])).stderr).toContain("its hostUsers is false");
  const failing = async (name: string, more: Own): Promise<string> => {
    await room.write(`/run/${name}.yaml`, own(name, more));
    await room.wherry(["play", `/run/${name}.yaml`]);
    const { waiting } = (await container(room, name)).state;
    return `${waiting?.reason}: ${waiting?.message}`;
  };
  expect(await failing("sys", { container: "volumeMounts: [{name: sys, mountPath: /host}]", spec: "volumes: [{name: sys, hostPath: {path: /sys/kernel}}]" })).toMatch(/^CreateContainerError: .*MOUNT_ATTR_IDMAP.*doesn't support idmap mounts/);
  expect(await failing("high", { container: "securityContext: {runAsUser: 70000}" })).toMatch(/^CreateContainerConfigError: .*user 70000/);
});

scenario("runc runs such pods, too", async (room) => {
  await room.run(["sh", "-c", ": >/run/none; mount --bind /run/none /usr/bin/crun"]);
  try {
    const text = own("web", {
      container: "volumeMounts: [{name: data, mountPath: /data}, {name: memory, mountPath: /memory, readOnly: true}]\nreadinessProbe: {exec: {command: [cat, /data/x]}, periodSeconds: 1}",
      script: "touch /data/x; echo out >/dev/stdout; sleep 100000",
      spec: "shareProcessNamespace: true\nvolumes: [{name: data, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}]",
    });
    await play(room, text);
    expect((await range(room, "web"))[1]).toBe(65_536);
    expect((await room.run(["sh", "-c", "ls /run/wherry/oci/*/state.json"])).status).toBe(0); // runc's
    expect(await inside(room, "web", "stat -c %u:%g /data/x; touch /memory/x 2>/dev/null || echo fixed")).toBe("0:0\nfixed\n");
    expect(await room.ok(["logs", "web"])).toBe("out\n");
    await room.ok(["down", "users"]);
  } finally {
    await room.run(["umount", "/usr/bin/crun"]);
  }
});
