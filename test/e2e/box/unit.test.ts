import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, documents, identities, pod, podText, pods, STUBBORN } from "../../harness/objects.ts";
import { kill, supervisor } from "../../harness/processes.ts";
import { pacedDuration } from "../../harness/pace.ts";
import { openBox, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { failure, journal, property, systemctl, unitOf } from "../../harness/units.ts";

const scenario = await scenarios(openBox);

const SHOP = documents(podText("web", { grace: 1 }), podText("db", { grace: 1 }));

/** Containers that wait until the test has made a file. */
const UNTIL_GO = "until test -e /tmp/go; do sleep 0.05; done;";
const GO = "volumeMounts: [{name: go, mountPath: /tmp}]";
const HOST = "volumes: [{name: go, hostPath: {path: /run/go, type: DirectoryOrCreate}}]";

async function started(room: Room, file: string, text: string): Promise<string> {
  await room.write(file, text);
  await systemctl(room, "start", unitOf(file));
  return unitOf(file);
}

scenario("systemctl start runs the pods below the unit; status says how many are ready; stop takes all away", async (room) => {
  const unit = await started(room, "/srv/shop.yaml", SHOP);
  expect(await property(room, unit, "ActiveState")).toBe("active");
  expect(await property(room, unit, "StatusText")).toBe("2/2 pods ready");
  expect((await pods(room)).map(({ status }) => status.phase)).toEqual(["Running", "Running"]);
  const main = await property(room, unit, "MainPID");
  expect((await room.run(["cat", `/proc/${main}/comm`])).stdout).toBe("conmon\n");
  const tree = await systemctl(room, "status", unit);
  for (const word of ["conmon", "supervise", "sleep 100000"]) expect(tree).toContain(word);
  await systemctl(room, "stop", unit);
  expect(await property(room, unit, "ActiveState")).toBe("inactive");
  expect(await property(room, unit, "Result")).toBe("success");
  expect(await pods(room)).toEqual([]);
});

scenario("a pod that waits to be mended keeps its unit from starting, until it is mended or the time is over", async (room) => {
  const root = podText("root", { grace: 1, container: "volumeMounts: [{name: v, mountPath: /v, subPath: link}]", spec: "volumes: [{name: v, hostPath: {path: /run/mended, type: DirectoryOrCreate}}]" });
  await room.run(["sh", "-c", "mkdir -p /run/mended; ln -s /etc /run/mended/link"]);
  const unit = unitOf("/srv/waits.yaml");
  await room.write("/srv/waits.yaml", root);
  await room.write(`/etc/systemd/system/${unit}.d/timeout.conf`, `[Service]\nExecStart=\nExecStart=:/usr/local/bin/wherry play --unit=%n --timeout=${pacedDuration(4)} %I\n`);
  await systemctl(room, "daemon-reload");
  await failure(room, "start", unit);
  expect(await property(room, unit, "Result")).toBe("exit-code");
  const said = (await journal(room, unit)).map(({ MESSAGE = "" }) => MESSAGE).join("\n");
  expect(said).toContain('ProgressDeadlineExceeded: container "main" waits: CreateContainerConfigError: ');
  expect(await pods(room)).toEqual([]);
  await room.run(["rm", "-r", `/etc/systemd/system/${unit}.d`]);
  await systemctl(room, "daemon-reload");
  await systemctl(room, "start", "--no-block", unit);
  await eventually(async () => expect(await property(room, unit, "StatusText")).toContain("waiting for root (main: CreateContainerConfigError)"), { within: 10_000 });
  expect(await property(room, unit, "ActiveState")).toBe("activating");
  await room.run(["sh", "-c", "rm /run/mended/link; mkdir /run/mended/link"]);
  await eventually(async () => expect(await property(room, unit, "ActiveState")).toBe("active"), { within: 30_000 });
});

scenario("the journal of the unit has every container's output, with pod and container", async (room) => {
  const unit = await started(room, "/srv/talk.yaml", podText("talk", { script: "echo said by the container; exec sleep 100000", grace: 1 }));
  await eventually(async () => {
    const entries = await journal(room, unit);
    const entry = entries.find(({ MESSAGE }) => MESSAGE?.trim() === "said by the container");
    expect(entry).toBeDefined();
    expect(entry).toMatchObject({ CONTAINER_NAME: "main", CONTAINER_TAG: "default/talk" });
  }, { within: 5_000 });
});

scenario("containers of the unit count to its cgroup", async (room) => {
  const unit = await started(room, "/srv/group.yaml", podText("group", { grace: 1 }));
  const group = await property(room, unit, "ControlGroup");
  const { stdout } = await room.run(["sh", "-c", `cat $(find /sys/fs/cgroup${group} -name cgroup.procs) | sort -n | xargs -I{} cat /proc/{}/comm`]);
  for (const word of ["conmon", "wherry", "sleep"]) expect(stdout).toContain(word);
});

scenario("killing all pods by hand makes the unit inactive", async (room) => {
  const unit = await started(room, "/srv/killed.yaml", documents(podText("one", { restartPolicy: "Never" }), podText("two", { restartPolicy: "Never" })));
  await room.ok(["pod", "kill", "one", "two"]);
  await eventually(async () => expect(await property(room, unit, "ActiveState")).toBe("inactive"), { within: 10_000 });
});

const POLICIES = [
  { policy: "none", result: "inactive", status: "0" },
  { policy: "any", result: "failed", status: "9" },
  { policy: "all", result: "inactive", status: "0" },
] as const;
for (const { policy, result, status } of POLICIES) {
  scenario(`a container that fails with 9 beside one that does not makes a unit with policy ${policy} ${result}`, async (room) => {
    const unit = unitOf("/srv/policy.yaml");
    await room.write(`/etc/systemd/system/${unit}.d/policy.conf`, `[Service]\nExecStart=\nExecStart=:/usr/local/bin/wherry play --unit=%n --service-exit-code-propagation=${policy} %I\n`);
    await systemctl(room, "daemon-reload");
    await started(room, "/srv/policy.yaml", documents(
      podText("fails", { script: `${UNTIL_GO} exit 9`, restartPolicy: "Never", container: GO, spec: HOST }),
      podText("ends", { script: `${UNTIL_GO} exit 0`, restartPolicy: "Never", container: GO, spec: HOST }),
    ));
    expect(await property(room, unit, "ActiveState")).toBe("active");
    await room.run(["touch", "/run/go/go"]);
    await eventually(async () => expect(await property(room, unit, "ActiveState")).toBe(result), { within: 10_000 });
    expect(await property(room, unit, "ExecMainStatus")).toBe(status);
    await room.run(["rm", "-rf", `/etc/systemd/system/${unit}.d`, "/run/go"]);
  });
}

scenario("a start that fails half-way fails the unit and leaves nothing", async (room) => {
  const before = await room.leaks();
  const text = documents(podText("good", { grace: 1 }), podText("bad", { restartPolicy: "Never" }).replace("[sh, -c", "[/no/such/program, -c"));
  await room.write("/srv/half.yaml", text);
  const unit = unitOf("/srv/half.yaml");
  expect(await failure(room, "start", unit)).toContain("failed");
  expect(await property(room, unit, "ActiveState")).toBe("failed");
  expect((await journal(room, unit)).map(({ MESSAGE }) => MESSAGE).join("\n")).toContain("/no/such/program");
  await eventually(async () => expect(await room.leaks()).toEqual(before), { within: 5_000 });
});

scenario("a manifest that is wrong fails the unit with its place in the journal", async (room) => {
  await room.write("/srv/wrong.yaml", podText("wrong", { spec: "nodeNam: x" }));
  const unit = unitOf("/srv/wrong.yaml");
  await failure(room, "start", unit);
  expect(await property(room, unit, "ActiveState")).toBe("failed");
  expect((await journal(room, unit)).map(({ MESSAGE }) => MESSAGE).join("\n")).toMatch(/wrong\.yaml:\d+:\d+/);
});

scenario("two services run side by side, and one stops without the other", async (room) => {
  const one = await started(room, "/srv/one.yaml", podText("one", { grace: 1 }));
  const two = await started(room, "/srv/two.yaml", podText("two", { grace: 1 }));
  await systemctl(room, "stop", one);
  expect(await property(room, two, "ActiveState")).toBe("active");
  expect(Object.keys(await identities(room))).toEqual(["two"]);
});

scenario("reload after an edit changes what was edited", async (room) => {
  const unit = await started(room, "/srv/edit.yaml", SHOP);
  const before = await identities(room);
  await room.write("/srv/edit.yaml", documents(podText("web", { grace: 1 }), podText("cache", { grace: 1 })));
  await systemctl(room, "reload", unit);
  const after = await identities(room);
  expect(Object.keys(after).toSorted()).toEqual(["cache", "web"]);
  expect(after["web"]).toBe(before["web"] ?? "");
  expect(await property(room, unit, "ActiveState")).toBe("active");
});

scenario("stop honours the grace periods: SIGKILL when the longest is over, not before", async (room) => {
  const unit = await started(room, "/srv/slow.yaml", documents(podText("a", { script: STUBBORN, grace: 2 }), podText("b", { script: STUBBORN, grace: 2 })));
  const begun = performance.now();
  await systemctl(room, "stop", unit);
  const took = performance.now() - begun;
  expect(took).toBeGreaterThan(1_900);
  expect(took).toBeLessThan(3_500);
  expect(await property(room, unit, "Result")).toBe("success");
}, { timed: true });

/** Where cgroups are v2 with controllers and systemd has no cgroup of its own below the unit's, it can start nothing while pods live (decision 0004). */
const SURVIVES = '! grep -qs memory /sys/fs/cgroup/cgroup.controllers || test -n "$(systemctl show --value -p DelegateSubgroup "$1")"';

scenario("after kill -9 of the supervisor the unit fails; Restart=on-failure adopts the pods, or has them made anew where it must", async (room) => {
  const unit = unitOf("/srv/again.yaml");
  await room.write(`/etc/systemd/system/${unit}.d/restart.conf`, "[Service]\nRestart=on-failure\nRestartSec=100ms\n");
  await systemctl(room, "daemon-reload");
  await started(room, "/srv/again.yaml", SHOP);
  const before = await identities(room);
  await kill(room, await supervisor(room, "again"));
  await eventually(async () => {
    expect(await property(room, unit, "NRestarts")).toBe("1");
    expect(await property(room, unit, "ActiveState")).toBe("active");
  }, { within: 10_000 });
  const after = await identities(room);
  if ((await room.run(["sh", "-c", SURVIVES, "-", unit])).status === 0) expect(after).toEqual(before);
  else expect(Object.keys(after).filter((name) => after[name] !== before[name]).toSorted()).toEqual(["db", "web"]);
  await room.run(["rm", "-rf", `/etc/systemd/system/${unit}.d`]);
});

scenario("after kill -9 of the supervisor of what was played by hand, play adopts the pods, and down takes them away", async (room) => {
  await room.write("/srv/hand.yaml", SHOP);
  await room.ok(["play", "/srv/hand.yaml"], { timeout: 60_000 });
  const before = await identities(room);
  await kill(room, await supervisor(room, "hand"));
  expect(await room.ok(["play", "/srv/hand.yaml"], { timeout: 60_000 })).toBe("pod/web unchanged\npod/db unchanged\n");
  expect(await identities(room)).toEqual(before);
  // What ends there is started there again.
  await room.wherry(["exec", "web", "--", "kill", "-TERM", "1"]);
  await eventually(async () => expect(await container(room, "web")).toMatchObject({ restartCount: 1, ready: true }), { within: 10_000 });
  await room.ok(["down", "hand"], { timeout: 60_000 });
});

scenario("after kill -9 of the service container's conmon the unit does not stay active, and start converges", async (room) => {
  const unit = await started(room, "/srv/main.yaml", SHOP);
  await room.run(["kill", "-KILL", await property(room, unit, "MainPID")]);
  await eventually(async () => expect(await property(room, unit, "ActiveState")).not.toBe("active"), { within: 10_000 });
  await eventually(async () => expect(await property(room, unit, "ActiveState")).toMatch(/failed|inactive/), { within: 10_000 });
  await systemctl(room, "start", unit);
  expect((await pods(room)).map(({ status }) => status.phase)).toEqual(["Running", "Running"]);
});

scenario("WatchdogSec= in a drop-in is answered", async (room) => {
  const unit = unitOf("/srv/dog.yaml");
  await room.write(`/etc/systemd/system/${unit}.d/watchdog.conf`, "[Service]\nWatchdogSec=1\n");
  await systemctl(room, "daemon-reload");
  await started(room, "/srv/dog.yaml", podText("dog", { grace: 1 }));
  await Bun.sleep(2_500); // longer than the watchdog waits: that nothing happens can only be waited for
  expect(await property(room, unit, "ActiveState")).toBe("active");
  await room.run(["rm", "-rf", `/etc/systemd/system/${unit}.d`]);
});

scenario("a unit is named by any path that systemd-escape gives, also with spaces", async (room) => {
  const unit = await started(room, "/srv/My Shop+v2.yaml", podText("named", { grace: 1 }));
  expect(await property(room, unit, "ActiveState")).toBe("active");
  expect((await pod(room, "named")).status.phase).toBe("Running");
});
