/** An ordinary user's wherry, with pods on the user's bridge and on the host's network. */
import { expect, test } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { IMAGE } from "../../harness/image.ts";
import { type PodText, podText, type PodView } from "../../harness/objects.ts";
import { longShutdown } from "../../harness/longShutdown.ts";
import { kill, processes, supervisor } from "../../harness/processes.ts";
import { CHECKOUT, openBox, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { unitOf } from "../../harness/units.ts";
import { newUser, takeUserDown, type User } from "../../harness/users.ts";

/** Takes two minutes, in a box of its own, while the scenarios run in this one. */
const shutdown = longShutdown();

const users: User[] = [];

function userNamed(name: string): User {
  const found = users.find((user) => user.name === name);
  if (found === undefined) throw new Error(`There is no user "${name}"`);
  return found;
}
function alice(): User {
  return userNamed("alice");
}
function bob(): User {
  return userNamed("bob");
}
function carol(): User {
  return userNamed("carol");
}

/** The box, with alice and bob, who linger, and carol, who does not. */
const scenario = await scenarios(async () => {
  const opened = await openBox();
  if (!("room" in opened)) return opened;
  // What udev makes on a machine.
  await opened.room.run(["sh", "-c", "mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; chmod 0666 /dev/net/tun"]);
  for (const name of ["alice", "bob", "carol"]) users.push(await newUser(opened.room, name, { lingers: name !== "carol" }));
  for (const user of [alice(), bob()]) {
    await user.ok(["image", "import", `${CHECKOUT}/.cache/test-image.tar`, IMAGE]);
    await takeUserDown(user);
  }
  return opened;
});

const hostPod = (name: string, options: PodText = {}): string => podText(name, { ...options, spec: `hostNetwork: true\n${options.spec ?? ""}` });

/** A scenario that takes both users' services down at its end. */
const userScenario: typeof scenario = (title, body, options) =>
  scenario(title, async (room) => {
    try {
      await body(room);
    } finally {
      for (const user of [alice(), bob()]) await takeUserDown(user);
    }
  }, { timeout: 120_000, ...options });

async function podsOf(user: User): Promise<readonly PodView[]> {
  const list: { readonly items: readonly PodView[] } = JSON.parse(await user.ok(["get", "pods", "-A", "-o", "json"]));
  return list.items;
}
const phases = async (user: User): Promise<readonly string[]> => (await podsOf(user)).map(({ metadata, status }) => `${metadata.name} ${status.phase}`);

const played = async (user: User, name: string, options: PodText = {}): Promise<string> => {
  await user.write(`${user.home}/${name}.yaml`, podText(name, options));
  return await user.ok(["play", `${name}.yaml`], { timeout: 60_000 });
};

const holder = async (user: User): Promise<number> => Number((await user.run(["cut", "-d", " ", "-f", "1", `/run/user/${user.uid}/wherry/rootless/holder`])).stdout);

userScenario("doctor finds nothing missing for a lingering user, and says what another user lacks", async () => {
  const told = JSON.parse(await alice().ok(["doctor", "-o", "json"]));
  expect(told.ready).toBe(true);
  const { status, stdout } = await carol().wherry(["doctor", "--quiet"]);
  expect(status).toBe(1);
  expect(stdout).toContain("sudo loginctl enable-linger carol");
});

userScenario("a lingering user plays, looks, enters and takes down", async (room) => {
  expect(await played(alice(), "web", { script: "echo said; trap 'exit 0' TERM; sleep 100000 & wait" })).toBe("pod/web created\n");
  expect(await phases(alice())).toEqual(["web Running"]);
  expect(await alice().ok(["exec", "web", "--", "id", "-u"])).toBe("0\n");
  expect(await alice().ok(["exec", "-i", "web", "--", "cat"], { stdin: "through" })).toBe("through");
  expect(await alice().ok(["logs", "web"])).toBe("said\n");
  await alice().write("/home/alice/file", "copied");
  await alice().ok(["cp", "file", "web:/tmp/file"]);
  expect(await alice().ok(["exec", "web", "--", "sh", "-c", "stat -c %u /tmp/file; cat /tmp/file"])).toBe("0\ncopied");
  const { stdout: owners } = await room.run(["sh", "-c", "ps -e -o user:20=,comm= | grep -E 'conmon|wherry|sleep' | cut -d' ' -f1 | sort -u"]);
  expect(owners).toBe("alice\n");
  expect(await alice().systemctl("list-units", "--no-legend", "wherry-web-*.scope")).toContain("Kubernetes pods played by hand (web)");
  expect(await alice().ok(["down", "web"], { timeout: 60_000 })).toContain("service/web removed");
  expect(await podsOf(alice())).toEqual([]);
});

userScenario("limits hold, and where there is no controller they are told at their field, and are not fatal", async () => {
  const { home, uid } = alice();
  const { stdout: controllers } = await alice().run(["cat", `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers`]);
  await alice().write(`${home}/limited.yaml`, podText("limited", { container: "resources: {limits: {memory: 64Mi}}" }));
  const { status, stderr } = await alice().wherry(["play", "limited.yaml"], { timeout: 60_000 });
  expect(status).toBe(0);
  if (/\bmemory\b/.test(controllers)) {
    expect(stderr).not.toContain("not as asked for");
    expect(await alice().ok(["exec", "limited", "--", "cat", "/sys/fs/cgroup/memory.max"])).toBe(`${64 * 2 ** 20}\n`);
  } else expect(stderr).toMatch(/limited\.yaml:\d+:\d+: spec\.containers\[0\]\.resources\.limits\.memory: not as asked for on this host: .*cgroup controller "memory"/);
});

userScenario("a grace period that systemd would cut at a shutdown is told at its field, and by doctor with the commands", async () => {
  const words = /: spec\.terminationGracePeriodSeconds: not as asked for on this host: .* user "alice" have not ended after 120 s, so that at most 110 s are sure/;
  await alice().write("/home/alice/patient.yaml", podText("patient", { grace: 120 }));
  expect((await alice().wherry(["validate", "patient.yaml"])).stderr).toMatch(words);
  const { status, stderr } = await alice().wherry(["play", "patient.yaml"], { timeout: 60_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(words) });
  expect((await alice().wherry(["doctor", "--quiet"])).stdout).toMatch(/warning +stop timeout +120 s .*\n.*user@\.service\.d\n.*TimeoutStopSec=15min.*\n +sudo systemctl daemon-reload/);
});

userScenario("after kill -9 of the holder, exec, play and down go on in the same namespaces", async (room) => {
  await played(alice(), "web");
  const uid = (await podsOf(alice()))[0]?.metadata.uid;
  const first = await holder(alice());
  await kill(room, first);
  expect(await alice().ok(["exec", "web", "--", "echo", "here"])).toBe("here\n");
  expect(await holder(alice())).not.toBe(first);
  // Where the user's manager has cgroups, the helper of the network keeps the first scope as well.
  expect(await alice().systemctl("is-active", "wherry-namespaces-*.scope")).toMatch(/^(active\n){1,2}$/);
  await kill(room, await holder(alice()));
  expect(await alice().ok(["play", "web.yaml"], { timeout: 60_000 })).toBe("pod/web unchanged\n");
  expect((await podsOf(alice()))[0]?.metadata.uid).toBe(uid ?? "");
  await kill(room, await holder(alice()));
  await alice().ok(["down", "web"], { timeout: 60_000 });
  expect(await podsOf(alice())).toEqual([]);
});

userScenario("after kill -9 of everything, play runs it again", async (room) => {
  await played(alice(), "web");
  const { stdout } = await room.run(["pgrep", "-u", "alice", "-f", "conmon|wherry supervise|sleep"]);
  await kill(room, ...stdout.trim().split("\n").map(Number));
  await eventually(async () => expect((await processes(room)).filter(({ program }) => program === "conmon")).toEqual([]), { within: 5_000 });
  await alice().ok(["play", "web.yaml"], { timeout: 60_000 });
  // The container that was killed counts as one that ended: it is restarted.
  await eventually(async () => expect(await alice().ok(["exec", "web", "--", "echo", "again"])).toBe("again\n"), { within: 10_000 });
  expect(await phases(alice())).toEqual(["web Running"]);
});

userScenario("after kill -9 of the supervisor, play adopts the pods", async (room) => {
  await played(alice(), "web");
  const uid = (await podsOf(alice()))[0]?.metadata.uid;
  await kill(room, await supervisor(room, "web"));
  expect(await alice().ok(["play", "web.yaml"], { timeout: 60_000 })).toBe("pod/web unchanged\n");
  expect((await podsOf(alice()))[0]?.metadata.uid).toBe(uid ?? "");
  await alice().wherry(["exec", "web", "--", "kill", "-TERM", "1"]);
  await eventually(async () => expect((await podsOf(alice()))[0]?.status.containerStatuses).toMatchObject([{ restartCount: 1, ready: true }]), { within: 10_000 });
});

userScenario("the user's unit is active only when its pods are ready, and its stop honours the grace period", async () => {
  const unit = unitOf("/home/alice/unit.yaml");
  await alice().write("/home/alice/unit.yaml", podText("unit", {
    grace: 20,
    script: "trap 'sleep 1; echo ended >/data/said; exit 0' TERM; sleep 100000 & wait",
    container: "readinessProbe: {exec: {command: [test, -e, /data/go]}, periodSeconds: 1}\nvolumeMounts: [{name: data, mountPath: /data}]",
    spec: "volumes: [{name: data, hostPath: {path: /home/alice/data, type: DirectoryOrCreate}}]",
  }));
  await alice().systemctl("start", "--no-block", unit);
  await eventually(async () => expect(await phases(alice())).toEqual(["unit Running"]), { within: 20_000 });
  expect((await alice().systemctl("is-active", unit)).trim()).toBe("activating");
  await alice().ok(["exec", "unit", "--", "touch", "/data/go"]);
  await eventually(async () => expect((await alice().systemctl("is-active", unit)).trim()).toBe("active"), { within: 20_000 });
  expect((await alice().systemctl("show", "--value", "-p", "StatusText", unit)).trim()).toBe("1/1 pods ready");
  await alice().systemctl("stop", unit);
  expect((await alice().systemctl("is-active", unit)).trim()).toBe("inactive");
  expect((await alice().run(["cat", "/home/alice/data/said"])).stdout).toBe("ended\n");
});

/** The private things of a user's wherry that runs service `same` with a Secret. */
async function privateThings(room: Room, { home, uid }: Pick<User, "home" | "uid">): Promise<readonly string[]> {
  const [durable, runtime] = uid === 0 ? ["/var/lib/wherry", "/run/wherry"] : [`${home}/.local/share/wherry`, `/run/user/${uid}/wherry`];
  const logs = uid === 0 ? "/var/log/wherry" : `${durable}/logs`;
  const { stdout } = await room.run(["find", durable, runtime, logs, "(", "-name", "wherry.db", "-o", "-name", "run.db", "-o", "-name", "control.sock", "-o", "-name", "0.log", "-o", "-name", "config.json", "-o", "-name", "attach", ")"]);
  return stdout.trim().split("\n");
}

userScenario("root and two users play one manifest at once: names do not meet, and nobody can reach what is another's", async (room) => {
  const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: hunter2}\n";
  const text = `${podText("same", { container: "env: [{name: P, valueFrom: {secretKeyRef: {name: login, key: password}}}]" })}---\n${secret}`;
  await room.write("/srv/same.yaml", text);
  await Promise.all([room.ok(["play", "/srv/same.yaml"], { timeout: 60_000 }), alice().ok(["play", "/srv/same.yaml"], { timeout: 60_000 }), bob().ok(["play", "/srv/same.yaml"], { timeout: 60_000 })]);
  for (const user of [alice(), bob()]) expect(await phases(user)).toEqual(["same Running"]);
  for (const owner of [alice(), { home: "/root", uid: 0 }]) {
    const things = await privateThings(room, owner);
    for (const name of ["wherry.db", "run.db", "control.sock", "0.log", "config.json", "attach"]) expect(things.filter((path) => path.endsWith(`/${name}`)).length).toBeGreaterThan(0);
    for (const thing of things) expect({ thing, status: (await bob().run(["test", "-e", thing])).status }).toEqual({ thing, status: 1 });
  }
  expect((await bob().wherry(["--root", "/home/alice/.local/share/wherry", "--runroot", `/run/user/${alice().uid}/wherry`, "get", "secrets"])).status).not.toBe(0);
  await alice().ok(["down", "same"], { timeout: 60_000 });
  expect(await phases(bob())).toEqual(["same Running"]);
});

userScenario("pods of a user reach each other, are probed, answer on a port of the host, and are forwarded to", async (room) => {
  const serve = "mkdir -p /tmp/www; echo page >/tmp/www/index.html; exec httpd -f -p 8000 -h /tmp/www";
  const probe = "readinessProbe: {httpGet: {port: 8000, path: /index.html}, periodSeconds: 1}";
  await played(alice(), "server", { script: serve, container: `ports: [{containerPort: 8000, hostPort: 18000}]\n${probe}` });
  await played(alice(), "asker");
  const [address = ""] = (await podsOf(alice())).filter(({ metadata }) => metadata.name === "server").map(({ status }) => status.podIP);
  expect(await alice().ok(["exec", "asker", "--", "wget", "-q", "-O", "-", `http://${address}:8000/`])).toBe("page\n");
  const fetched = (port: number) => room.run(["busybox", "wget", "-q", "-O", "-", `http://127.0.0.1:${port}/`]);
  expect((await fetched(18000)).stdout).toBe("page\n");
  const forward = `wherry port-forward server 18001:8000 >/tmp/forwarded & forward=$!; until grep -q 18001 /tmp/forwarded; do sleep 0.1; done; busybox wget -q -O - http://127.0.0.1:18001/; kill $forward; wait`;
  expect((await alice().run(["sh", "-c", forward])).stdout).toBe("page\n");
});

/** The box has a way to the outside, which pasta wants of its host, until disposed of. Nobody is there. */
async function connected(room: Room): Promise<AsyncDisposable> {
  const make = "ip link add world0 type veth peer name world1; ip address add 192.0.2.2/24 dev world0; ip link set world0 up; ip link set world1 up; ip route add default via 192.0.2.1";
  await room.run(["sh", "-euc", make]);
  return { [Symbol.asyncDispose]: async () => void (await room.run(["ip", "link", "delete", "world0"])) };
}

/** The machine has no way to the outside, as the box has none, until disposed of. */
async function disconnected(room: Room): Promise<AsyncDisposable> {
  const take = "for family in -4 -6; do ip $family route show default | while read -r route; do echo $family route add $route; ip $family route del $route; done; done";
  const back = (await room.run(["sh", "-euc", take])).stdout.split("\n").filter((line) => line !== "");
  return { [Symbol.asyncDispose]: async () => void (await room.run(["sh", "-c", back.map((line) => `ip ${line}`).join("; ")])) };
}

userScenario("events say why pods do not reach the outside", async (room) => {
  await using _ = await disconnected(room);
  await alice().write("/home/alice/lonely.yaml", podText("lonely"));
  const { status, stderr } = await alice().wherry(["play", "lonely.yaml"], { timeout: 60_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("pod/lonely does not reach the outside: External interface not usable\n") });
  expect(await alice().ok(["events"])).toMatch(/Warning +NetworkNotReady +pod\/lonely +network is not ready: the pod does not reach the outside: External interface not usable/);
});

userScenario("what connects the user's network and is killed comes back at once, in a scope that is no service's", async (room) => {
  await using _ = await connected(room);
  await played(alice(), "web");
  const helper = async (): Promise<number> => Number((await alice().run(["cut", "-d", " ", "-f", "1", `/run/user/${alice().uid}/wherry/rootless/outside`])).stdout);
  const first = await helper();
  await kill(room, first);
  await eventually(async () => expect((await processes(room)).filter(({ command }) => command.startsWith("pasta ")).length).toBe(1), { within: 5_000 });
  expect(await helper()).not.toBe(first);
  expect((await room.run(["cat", `/proc/${await helper()}/cgroup`])).stdout).toMatch(/\/wherry-namespaces-\w+-outside\.scope$/m);
  await alice().ok(["down", "web"], { timeout: 60_000 });
  expect(await alice().systemctl("list-units", "--no-legend", "wherry-web-*.scope")).toBe("");
});

userScenario("a host port that another user holds is refused before anything is made, with who holds it", async (room) => {
  const options = { script: "trap 'exit 0' TERM; nc -ll -p 18080 -e /bin/cat & wait", container: "ports: [{containerPort: 18080}]" };
  await played(alice(), "port", { ...options, spec: "hostNetwork: true" });
  await eventually(async () => expect((await room.run(["sh", "-c", "grep -c ':46A0 .* 0A ' /proc/net/tcp /proc/net/tcp6"])).stdout).toMatch(/:[1-9]/), { within: 5_000 });
  await bob().write("/home/bob/port.yaml", hostPod("port", options));
  const refused = await bob().wherry(["play", "port.yaml"]);
  expect(refused).toMatchObject({ status: 125 });
  expect(refused.stderr).toContain('host port 18080/tcp of pod "port" is held by user "alice"');
  expect(await podsOf(bob())).toEqual([]);
  await room.write("/srv/port.yaml", hostPod("port", options));
  const byRoot = await room.wherry(["play", "/srv/port.yaml"]);
  expect(byRoot.stderr).toMatch(/held by process \d+ \(nc\) of user "alice" in unit "wherry-port-\w+\.scope"/);
  expect((await alice().wherry(["play", "--name", "second", "port.yaml"])).stderr).toContain('is held by pod "port" of service "port"');
});

userScenario("what a user lacks is said before anything is made, with the commands", async (room) => {
  await carol().write("/home/carol/web.yaml", podText("web"));
  const { stdout: before } = await carol().run(["ls", "-A", "/home/carol"]);
  const { status, stderr } = await carol().wherry(["play", "web.yaml"]);
  expect(status).toBe(1);
  expect(stderr).toContain('Cannot run pods as user "carol": runtime directory: ');
  expect(stderr).toContain("sudo loginctl enable-linger carol");
  expect((await carol().run(["ls", "-A", "/home/carol"])).stdout).toBe(before);
  const enabled = await carol().wherry(["enable", "web.yaml"]);
  expect(enabled.stderr).toContain('User "carol" does not linger: the service ends when the last session does, and does not start at boot\nTo change that: sudo loginctl enable-linger carol\n');
  const lingering = await carol().wherry(["enable", "--linger", "--no-start", "web.yaml"]);
  const lingers = (await room.run(["ls", "/var/lib/systemd/linger"])).stdout.includes("carol");
  // logind asks polkit whether a user may; where there is none, only root may.
  if ((await room.run(["test", "-e", "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"])).status === 0) {
    expect({ lingering, lingers }).toEqual({ lingering: expect.objectContaining({ status: 0, stdout: expect.stringContaining("enabled") }), lingers: true });
  } else {
    const said = /^Error: Cannot let user "carol" linger: .*\nHint: sudo loginctl enable-linger carol\n$/;
    expect({ lingering, lingers }).toEqual({ lingering: { status: 1, stdout: "", stderr: expect.stringMatching(said) }, lingers: false });
  }
  await room.run(["loginctl", "disable-linger", "carol"]);
});

userScenario("without subordinate ids or newuidmap nothing is begun", async (room) => {
  await bob().write("/home/bob/web.yaml", podText("web"));
  const taken = "cp /etc/subuid /run/subuid && sed -i /^bob:/d /etc/subuid && mv /usr/bin/newuidmap /usr/bin/newuidmap.away";
  await room.run(["sh", "-euc", taken]);
  const { stderr } = await bob().wherry(["play", "web.yaml"]);
  await room.run(["sh", "-euc", "cp /run/subuid /etc/subuid && mv /usr/bin/newuidmap.away /usr/bin/newuidmap && rm /run/subuid"]);
  expect(stderr).toContain('subordinate ids: /etc/subuid gives user "bob" none, it should give 65536; newuidmap: not installed');
  expect(stderr).toContain("sudo usermod --add-subuids");
  expect(await bob().systemctl("is-active", "wherry-namespaces-*.scope")).not.toContain("active");
});

userScenario("fields that need root are told by line before anything starts", async () => {
  await alice().write("/home/alice/low.yaml", podText("low", { container: "ports: [{containerPort: 80, hostPort: 80}]\nsecurityContext: {capabilities: {add: [SYS_TIME]}}" }));
  const { status, stderr } = await alice().wherry(["play", "low.yaml"]);
  expect(status).toBe(3);
  expect(stderr).toMatch(/low\.yaml:\d+:\d+: spec\.containers\[0\]\.ports\[0\]\.hostPort: is 80, should be 1024 or more for user "alice"/);
});

userScenario("--publish of a port that is not for users is refused before anything is made", async () => {
  await alice().write("/home/alice/web.yaml", podText("web"));
  for (const words of [["--dry-run"], []]) {
    const { status, stdout, stderr } = await alice().wherry(["play", "--publish", "80", ...words, "web.yaml"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain('Cannot play "web": host port 80/tcp of pod "web" is not for user "alice", it should be 1024 or more');
    expect(stderr).toContain("sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80");
  }
  expect(await podsOf(alice())).toEqual([]);
  expect(await alice().ok(["ps"])).not.toContain("web");
});

test("a shutdown honours grace periods of two minutes, of units and of what is played by hand, also of a user whom doctor's commands have given the time", async () => {
  const said = await shutdown.awaited();
  if ("missing" in said) return console.log(`not tested: ${said.missing}`);
  const ended = "ending\nended\n";
  expect(said).toEqual({ "root-unit": ended, "root-hand": ended, "user-unit": ended, "user-hand": ended });
}, 300_000);
