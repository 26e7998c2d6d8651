import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, documents, identities, pod, podText, pods } from "../../harness/objects.ts";
import { signal, supervisor, supervisors } from "../../harness/processes.ts";
import { openPlainRoom, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

scenario("pod stop, start and restart keep the pod; rm removes it", async (room) => {
  await room.write("/run/verbs.yaml", documents(podText("web"), podText("other")));
  await room.ok(["play", "/run/verbs.yaml"]);
  await room.ok(["pod", "stop", "web"]);
  expect((await container(room, "web")).state.terminated?.exitCode).toBe(0);
  expect((await pod(room, "other")).status.phase).toBe("Running");
  await room.ok(["pod", "start", "web"]);
  expect((await container(room, "web")).state.running).toBeDefined();
  const before = (await container(room, "web")).restartCount;
  await room.ok(["pod", "restart", "web"]);
  expect(await container(room, "web")).toMatchObject({ restartCount: before + 1, state: { running: {} } });
  await room.ok(["pod", "rm", "web"]);
  expect(Object.keys(await identities(room))).toEqual(["other"]);
  await room.ok(["delete", "pod", "other"]);
  expect(await pods(room)).toEqual([]);
});

scenario("pod start and restart of a stopped service start the service container first", async (room) => {
  await room.write("/run/stopped.yaml", podText("web"));
  await room.ok(["play", "/run/stopped.yaml"]);
  await room.ok(["pod", "stop", "web"]);
  await eventually(async () => expect(await room.ok(["ps"])).not.toContain("stopped"), { within: 10_000 });
  await room.ok(["pod", "start", "web"]);
  expect(await room.ok(["ps"])).toContain("stopped");
  await supervisor(room, "stopped");
});

scenario("pod kill sends a signal; killing all pods ends the service", async (room) => {
  await room.write("/run/kill.yaml", documents(
    podText("one", { restartPolicy: "Never", script: "trap 'echo usr1' USR1; trap 'exit 0' TERM; echo started; while :; do sleep 0.1; done" }),
    podText("two", { restartPolicy: "Never" }),
  ));
  await room.ok(["play", "/run/kill.yaml"]);
  const log = room.start([WHERRY, "logs", "one", "-f"]);
  await log.says(/started/);
  await room.ok(["pod", "kill", "--signal", "USR1", "one"]);
  await log.says(/usr1/);
  await room.ok(["pod", "kill", "one", "two"]);
  expect(await log.exited).toBe(0);
  await eventually(async () => {
    expect((await container(room, "one")).state.terminated?.exitCode).toBe(137);
    expect(await room.ok(["ps"])).not.toContain("kill");
  }, { within: 10_000 });
});

scenario("the service container cannot be removed while a pod of its service exists", async (room) => {
  await room.write("/run/held.yaml", documents(podText("web"), podText("db")));
  await room.ok(["play", "/run/held.yaml"]);
  for (const words of [["rm", "held-service"], ["rm", "-f", "held-service"]]) {
    const { status, stderr } = await room.wherry(words);
    expect(status).toBe(125);
    expect(stderr).toContain("web");
    expect(stderr).toContain("db");
  }
  expect((await pods(room)).length).toBe(2);
  await room.ok(["rm", "--depend", "held-service"]);
  expect(await pods(room)).toEqual([]);
});

scenario("exec passes input, output, environment and status", async (room) => {
  await room.write("/run/exec.yaml", podText("web", { container: "env: [{name: COLOUR, value: red}]\nworkingDir: /tmp" }));
  await room.ok(["play", "/run/exec.yaml"]);
  expect(await room.ok(["exec", "-i", "web", "--", "cat"], { stdin: "through\n" })).toBe("through\n");
  expect(await room.ok(["exec", "web", "--", "sh", "-c", "echo $COLOUR; pwd"])).toBe("red\n/tmp\n");
  const failed = await room.wherry(["exec", "web", "-c", "main", "--", "sh", "-c", "echo out; echo err >&2; exit 42"]);
  expect(failed).toEqual({ status: 42, stdout: "out\n", stderr: "err\n" });
  expect((await room.wherry(["exec", "web", "--", "/no/such"])).status).not.toBe(0);
  expect((await room.wherry(["exec", "absent", "--", "true"])).stderr).toContain("absent");
  // Keys that nobody presses: of an input that has ended, script(1) may not show what is said last.
  const typed = 'mkfifo "$1" && script -qec "$2" /dev/null <>"$1"; rm "$1"';
  const terminal = await room.run(["sh", "-c", typed, "-", "/run/keys", `${WHERRY} exec -it web -- sh -c 'test -t 0 && echo terminal'`]);
  expect(terminal.stdout).toContain("terminal");
});

scenario("logs show lines by container, tail, time and previous life, and follow to the end", async (room) => {
  await room.write("/run/logs.yaml", podText("web", { restartPolicy: "OnFailure", script: "for i in 1 2 3; do echo line $i; done; echo to-stderr >&2; test -e /tmp/again || { touch /tmp/again; exit 1; }; trap 'exit 0' TERM; sleep 100000 & wait", container: "volumeMounts: [{name: tmp, mountPath: /tmp}]", spec: "volumes: [{name: tmp, emptyDir: {}}]" }));
  await room.wherry(["play", "/run/logs.yaml"]);
  await room.ok(["wait", "pod", "web", "--for=condition=Ready", "--timeout", "30s"]);
  await eventually(async () => expect((await container(room, "web")).restartCount).toBe(1), { within: 30_000 });
  await eventually(async () => expect(await room.ok(["logs", "web", "--tail", "1"])).toBe("to-stderr\n"), { within: 5_000 });
  expect(await room.ok(["logs", "web", "--previous"])).toBe("line 1\nline 2\nline 3\nto-stderr\n");
  expect(await room.ok(["logs", "web", "-c", "main", "--timestamps", "--tail", "1"])).toMatch(/^\d{4}-\d\d-\d\dT\S+ to-stderr\n$/);
  expect(await room.ok(["logs", "web", "--since", "1h"])).toContain("line 1");
  const follow = room.start([WHERRY, "logs", "-f", "web"]);
  await follow.says(/to-stderr/);
  await room.ok(["pod", "stop", "web"]);
  expect(await follow.exited).toBe(0);
}, { timeout: 90_000 });

scenario("ps, get, describe, inspect and events tell what runs", async (room) => {
  await room.write("/run/told.yaml", podText("web", { container: "ports: [{containerPort: 80, hostPort: 8085}]" }));
  await room.ok(["play", "/run/told.yaml"]);
  const table = await room.ok(["ps"]);
  for (const word of ["told", "web", "Running", "1/1", "8085"]) expect(table).toContain(word);
  const [entry]: readonly Record<string, unknown>[] = JSON.parse(await room.ok(["ps", "-o", "json"]));
  expect(entry).toMatchObject({ service: "told", pod: "web", status: "Running" });
  expect(await room.ok(["get", "pods", "-o", "wide"])).toContain("10.");
  expect(await room.ok(["get", "pods", "-o", "name"])).toBe("pod/web\n");
  const described = await room.ok(["describe", "pod", "web"]);
  for (const word of ["web", "localhost/test:1", "Started"]) expect(described).toContain(word);
  expect(await room.ok(["events"])).toContain("Started");
  expect(await room.ok(["inspect", "told"])).toContain("told");
  expect(await room.ok(["inspect", "web"])).toContain("ociVersion");
  const absent = await room.wherry(["describe", "pod", "wbe"]);
  expect(absent.status).toBe(1);
  expect(absent.stderr).toContain("web");
});

scenario("namespaces hold pods apart", async (room) => {
  await room.write("/run/spaces.yaml", documents(podText("web"), podText("web").replace("{name: web,", "{name: web, namespace: blue,")));
  await room.ok(["play", "/run/spaces.yaml"]);
  expect((await pods(room)).map(({ metadata }) => metadata.namespace).toSorted()).toEqual(["blue", "default"]);
  await room.ok(["delete", "pod", "-n", "blue", "web"]);
  expect((await pods(room)).map(({ metadata }) => metadata.namespace)).toEqual(["default"]);
});

scenario("wait ends with the condition, with deletion, or with its timeout", async (room) => {
  await room.write("/run/wait.yaml", podText("web"));
  await room.ok(["play", "/run/wait.yaml"]);
  await room.ok(["wait", "pod", "web", "--for=condition=Ready"]);
  expect((await room.wherry(["wait", "pod", "web", "--for=delete", "--timeout", "1s"])).status).toBe(1);
  const waiting = room.start([WHERRY, "wait", "pod/web", "--for=delete"]);
  await room.ok(["down", "wait"]);
  expect(await waiting.exited).toBe(0);
});

scenario("ps --watch and events -w show changes as they happen", async (room) => {
  const events = room.start([WHERRY, "events", "-A", "-w"]);
  await room.write("/run/watched.yaml", podText("web"));
  await room.ok(["play", "/run/watched.yaml"]);
  await events.says(/Started/);
  events.kill("SIGINT");
  await events.exited;
});

scenario("reading commands answer while the supervisor does not", async (room) => {
  await room.write("/run/stuck.yaml", podText("web"));
  await room.ok(["play", "/run/stuck.yaml"]);
  const pids = await supervisors(room, "stuck");
  await signal(room, "STOP", pids);
  try {
    for (const words of [["ps"], ["get", "pods"], ["describe", "pod", "web"], ["logs", "web"], ["events"]]) await room.ok(words, { timeout: 5_000 });
  } finally {
    await signal(room, "CONT", pids);
  }
});

scenario("completion offers the names of what runs", async (room) => {
  await room.write("/run/named.yaml", podText("web"));
  await room.ok(["play", "/run/named.yaml"]);
  for (const shell of ["bash", "zsh", "fish"]) expect(await room.ok(["completion", shell])).toContain("wherry");
  expect((await room.run(["bash", "-nc", await room.ok(["completion", "bash"])])).status).toBe(0);
});
