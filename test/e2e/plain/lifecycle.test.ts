import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, documents, pod, podText, WAIT } from "../../harness/objects.ts";
import { openPlainRoom, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const IMAGE = "localhost/test:1";
/** A volume of all containers at /log, in which each writes a line to `timeline`: TIME WORDS. */
const LOG = "volumeMounts: [{name: log, mountPath: /log}]";
const say = (words: string): string => `read now rest < /proc/uptime; echo "$now ${words}" >> /log/timeline`;
const volume = (name: string): string => `volumes: [{name: log, hostPath: {path: /run/log-${name}, type: DirectoryOrCreate}}]`;

/** Words of a timeline in order, and the second at which each was said, from the first on. */
function timeline(text: string): { readonly words: readonly string[]; readonly at: (words: string) => number } {
  const lines = text.trim().split("\n").map((line) => ({ time: Number(line.split(" ")[0]), words: line.split(" ").slice(1).join(" ") }));
  const [first] = lines;
  return { words: lines.map((each) => each.words), at: (words) => (lines.find((each) => each.words === words)?.time ?? Number.NaN) - (first?.time ?? 0) };
}

scenario("sidecars start in order with the init containers, run beside the others, and are stopped last, in reverse", async (room) => {
  const sidecar = (name: string): string => `- {name: ${name}, image: ${IMAGE}, restartPolicy: Always, ${LOG}, command: [sh, -c, ${JSON.stringify(`${say(`${name} up`)}; trap '${say(`${name} asked`)}; sleep 0.5; ${say(`${name} down`)}; exit 0' TERM; while :; do sleep 0.1; done`)}]}`;
  await room.write("/run/sided.yaml", podText("web", {
    grace: 10,
    script: `${say("main up")}; trap '${say("main asked")}; sleep 0.5; ${say("main down")}; exit 0' TERM; while :; do sleep 0.1; done`,
    container: LOG,
    spec: `${volume("sided")}\ninitContainers:\n${sidecar("one")}\n- {name: init, image: ${IMAGE}, ${LOG}, command: [sh, -c, ${JSON.stringify(`sleep 0.5; ${say("init done")}`)}]}\n${sidecar("two")}`,
  }));
  await room.ok(["play", "/run/sided.yaml"]);
  expect(await room.ok(["get", "pods"])).toMatch(/web +3\/3 +Running/);
  await room.ok(["down", "sided"]);
  const { words } = timeline((await room.run(["cat", "/run/log-sided/timeline"])).stdout);
  expect(words).toEqual(["one up", "init done", "two up", "main up", "main asked", "main down", "two asked", "two down", "one asked", "one down"]);
});

scenario("a sidecar that ends is started again while the pod initializes, and ends with the main containers", async (room) => {
  await room.write("/run/job.yaml", podText("job", {
    restartPolicy: "Never", script: "sleep 1",
    spec: `initContainers:\n- {name: helper, image: ${IMAGE}, restartPolicy: Always, command: [sh, -c, ${JSON.stringify("test -e /tmp/x; exec sleep 100000")}]}\n- {name: shaky, image: ${IMAGE}, restartPolicy: Always, command: [sh, -c, 'exit 3']}\n- {name: setup, image: ${IMAGE}, command: [sleep, '1']}`,
  }));
  await room.wherry(["play", "/run/job.yaml"]);
  await eventually(async () => expect((await pod(room, "job")).status.phase).toBe("Succeeded"), { within: 15_000 });
  expect((await container(room, "job", "shaky")).restartCount).toBeGreaterThanOrEqual(1);
  expect((await container(room, "job", "helper")).state.terminated).toMatchObject({ exitCode: 137 });
});

scenario("postStart runs before the next container starts and before the pod is ready, preStop before the stop signal, within the grace period", async (room) => {
  await room.write("/run/hooks.yaml", podText("web", {
    grace: 10,
    script: `${say("main up")}; trap '${say("main asked")}; exit 0' USR1; while :; do sleep 0.1; done`,
    container: `${LOG}\nlifecycle: {stopSignal: SIGUSR1, postStart: {exec: {command: [sh, -c, ${JSON.stringify(`sleep 1; ${say("post")}`)}]}}, preStop: {exec: {command: [sh, -c, ${JSON.stringify(`${say("pre")}; sleep 1; ${say("pre done")}`)}]}}}`,
    spec: `${volume("hooks")}`,
  }).replace("  volumes:", `  - {name: next, image: ${IMAGE}, ${LOG}, command: [sh, -c, ${JSON.stringify(`${say("next up")}; ${WAIT}`)}]}\n  volumes:`));
  const play = room.start([WHERRY, "play", "/run/hooks.yaml"]);
  await eventually(async () => expect((await container(room, "web")).state.waiting?.reason).toBe("ContainerCreating"), { within: 5_000 });
  expect(await play.exited).toBe(0);
  await room.ok(["down", "hooks"]);
  const { words, at } = timeline((await room.run(["cat", "/run/log-hooks/timeline"])).stdout);
  expect(words).toEqual(["main up", "post", "next up", "pre", "pre done", "main asked"]);
  expect(at("post")).toBeWithin(0.9, 2);
  expect(at("main asked") - at("pre done")).toBeLessThan(1);
}, { timed: true });

scenario("a preStop hook that takes all of the grace period leaves two seconds, a failing one is told", async (room) => {
  await room.write("/run/long.yaml", documents(
    podText("long", { grace: 2, script: "trap '' TERM; echo up; while :; do sleep 0.1; done", container: "lifecycle: {preStop: {sleep: {seconds: 30}}}" }),
    podText("fails", { container: "lifecycle: {preStop: {exec: {command: [sh, -c, 'exit 3']}}}" }),
  ));
  await room.ok(["play", "/run/long.yaml"]);
  const begun = performance.now();
  await room.ok(["pod", "stop", "long", "fails"]);
  const took = performance.now() - begun;
  expect(took).toBeWithin(3_900, 6_000);
  expect(await room.ok(["events"])).toContain("PreStopHook failed");
  expect((await container(room, "long")).state.terminated?.exitCode).toBe(137);
}, { timed: true });

scenario("a postStart hook that fails ends the container, which is started again", async (room) => {
  await room.write("/run/post.yaml", podText("web", { container: "lifecycle: {postStart: {exec: {command: [sh, -c, 'test -e /mark/again || { touch /mark/again; exit 1; }']}}}\nvolumeMounts: [{name: mark, mountPath: /mark}]", spec: "volumes: [{name: mark, emptyDir: {}}]" }));
  await room.ok(["play", "/run/post.yaml"]);
  expect(await container(room, "web")).toMatchObject({ restartCount: 1, ready: true });
  const said = await room.ok(["events"]);
  for (const word of ["FailedPostStartHook", "PostStartHook failed"]) expect(said).toContain(word);
});

scenario("what a postStart hook failed with is shown, then the back-off", async (room) => {
  await room.write("/run/never.yaml", podText("never", { container: "lifecycle: {postStart: {exec: {command: [sh, -c, 'echo for want of a nail >&2; exit 7']}}}" }));
  const playing = room.start([WHERRY, "play", "/run/never.yaml"]);
  const waiting = async () => (await container(room, "never")).state.waiting;
  await eventually(async () => expect(await waiting()).toMatchObject({ reason: "PostStartHookError", message: expect.stringMatching(/^Exec lifecycle hook \(\[sh -c .*\]\) for Container "main" in Pod "never_default\(.*\)" failed - error: command 'sh -c .*' exited with 7: for want of a nail\n, message: "for want of a nail\\n"$/s) }), { within: 10_000 });
  await eventually(async () => expect((await waiting())?.reason).toBe("CrashLoopBackOff"), { within: 10_000 });
  expect(await playing.exited).toBe(1);
  expect(playing.output()).toContain("PostStartHookError: container \"main\": Exec lifecycle hook");
});

scenario("a real-time stop signal reaches the container", async (room) => {
  await room.write("/run/realtime.yaml", podText("web", { grace: 5, script: "trap 'exit 7' RTMIN+3 37; echo up; while :; do sleep 0.1; done", container: "lifecycle: {stopSignal: SIGRTMIN+3}" }));
  await room.ok(["play", "/run/realtime.yaml"]);
  await room.ok(["pod", "stop", "web"]);
  expect((await container(room, "web")).state.terminated?.exitCode).toBe(7);
});

scenario("the message of an end comes from the termination log, or from the container's log", async (room) => {
  await room.write("/run/messages.yaml", documents(
    podText("own", { restartPolicy: "Never", script: "echo out; printf 'for want of a nail' > /dev/termination-log; exit 3" }),
    podText("elsewhere", { restartPolicy: "Never", script: "printf there > /tmp/said; exit 0", container: "terminationMessagePath: /tmp/said" }),
    podText("log", { restartPolicy: "Never", script: "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done; exit 4", container: "terminationMessagePolicy: FallbackToLogsOnError" }),
    podText("silent", { restartPolicy: "Never", script: "echo fine; exit 0", container: "terminationMessagePolicy: FallbackToLogsOnError" }),
    podText("much", { restartPolicy: "Never", script: "head -c 10000 /dev/zero | tr '\\\\0' x > /dev/termination-log; exit 0" }),
  ));
  await room.wherry(["play", "/run/messages.yaml"]);
  const message = async (name: string): Promise<string | undefined> => {
    const { terminated } = (await container(room, name)).state;
    expect(terminated).toBeDefined();
    return terminated?.message;
  };
  await eventually(async () => expect(await message("own")).toBe("for want of a nail"), { within: 10_000 });
  await eventually(async () => expect(await message("elsewhere")).toBe("there"), { within: 10_000 });
  await eventually(async () => expect(await message("log")).toBe(Array.from({ length: 80 }, (_, index) => `line ${121 + index}\n`).join("")), { within: 10_000 });
  expect(await message("silent")).toBeUndefined();
  expect(await message("much")).toHaveLength(4096);
});

scenario("activeDeadlineSeconds fails the pod and ends its containers", async (room) => {
  await room.write("/run/deadline.yaml", podText("web", { spec: "activeDeadlineSeconds: 2" }));
  await room.ok(["play", "/run/deadline.yaml"]);
  await eventually(async () => expect((await pod(room, "web")).status.phase).toBe("Failed"), { within: 10_000 });
  expect((await pod(room, "web")).status).toMatchObject({ reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" });
  expect((await container(room, "web")).state.terminated?.exitCode).toBe(0);
});

scenario("a container's own restart policy and rules about exit codes decide before the pod's", async (room) => {
  await room.write("/run/rules.yaml", documents(
    podText("again", { restartPolicy: "Never", script: "test -e /mark/x && exit 0; touch /mark/x; exit 42", container: "restartPolicy: Never\nrestartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]\nvolumeMounts: [{name: mark, mountPath: /mark}]", spec: "volumes: [{name: mark, emptyDir: {}}]" }),
    podText("never", { script: "exit 1", container: "restartPolicy: Never" }),
    podText("all", { restartPolicy: "Never", script: "test -e /mark/all && exit 0; touch /mark/all; exit 43", container: "restartPolicy: Never\nrestartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [43]}}]\nvolumeMounts: [{name: mark, mountPath: /mark}]", spec: `volumes: [{name: mark, emptyDir: {}}]\ninitContainers: [{name: count, image: ${IMAGE}, command: [sh, -c, 'echo once >> /mark/count'], volumeMounts: [{name: mark, mountPath: /mark}]}]` }),
  ));
  await room.wherry(["play", "/run/rules.yaml"]);
  await eventually(async () => {
    expect((await pod(room, "again")).status.phase).toBe("Succeeded");
    expect((await pod(room, "never")).status.phase).toBe("Failed");
    expect((await pod(room, "all")).status.phase).toBe("Succeeded");
  }, { within: 15_000 });
  expect((await container(room, "again")).restartCount).toBe(1);
  expect((await container(room, "never")).restartCount).toBe(0);
  expect((await container(room, "all", "count")).restartCount).toBe(1);
});
