import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, documents, pod, podText, STUBBORN, WAIT } from "../../harness/objects.ts";
import { openPlainRoom, type Room, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";
import { kill, supervisor, supervisors } from "../../harness/processes.ts";

const scenario = await scenarios(openPlainRoom);

async function backOff(room: Room, name: string): Promise<number> {
  return eventually(async () => {
    const { restartCount, state } = await container(room, name);
    expect(state.waiting?.reason).toBe("CrashLoopBackOff");
    return restartCount;
  }, { within: 20_000 });
}

scenario("a crash-looping container is shown as CrashLoopBackOff, with its last status and both its logs", async (room) => {
  await room.write("/run/crash.yaml", podText("crash", { script: "echo life; exit 7" }));
  await room.wherry(["play", "/run/crash.yaml"]);
  await backOff(room, "crash");
  expect(await room.ok(["ps", "-a"])).toContain("CrashLoopBackOff");
  expect((await container(room, "crash")).lastState?.terminated).toMatchObject({ exitCode: 7, reason: "Error" });
  expect(await room.ok(["logs", "crash"])).toBe("life\n");
  expect(await room.ok(["logs", "crash", "--previous"])).toBe("life\n");
  expect(await room.ok(["events"])).toContain("BackOff");
});

scenario("the back-off outlives the supervisor", async (room) => {
  await room.write("/run/keep.yaml", podText("keep", { script: "exit 1" }));
  await room.wherry(["play", "/run/keep.yaml"]);
  const restarts = await backOff(room, "keep");
  await kill(room, await supervisor(room, "keep"));
  await room.wherry(["play", "/run/keep.yaml"]);
  const after = await container(room, "keep");
  expect(after.restartCount).toBeGreaterThanOrEqual(restarts);
  expect(after.restartCount).toBeLessThanOrEqual(restarts + 1);
});

scenario("restartPolicy says what is started again", async (room) => {
  await room.write("/run/policies.yaml", documents(
    podText("never", { script: "exit 3", restartPolicy: "Never" }),
    podText("succeeds", { script: "exit 0", restartPolicy: "OnFailure" }),
    podText("fails", { script: "exit 4", restartPolicy: "OnFailure" }),
    podText("runs"),
  ));
  await room.wherry(["play", "/run/policies.yaml"]);
  await backOff(room, "fails");
  await eventually(async () => {
    expect((await pod(room, "never")).status.phase).toBe("Failed");
    expect((await pod(room, "succeeds")).status.phase).toBe("Succeeded");
  }, { within: 10_000 });
  expect((await container(room, "never")).state.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  expect((await container(room, "never")).restartCount).toBe(0);
  expect((await container(room, "runs")).restartCount).toBe(0);
});

scenario("an init container that fails is tried again before anything else starts", async (room) => {
  await room.write("/run/init.yaml", podText("init", { spec: "initContainers: [{name: first, image: localhost/test:1, command: [sh, -c, 'exit 5']}]" }));
  const play = room.start([WHERRY, "play", "/run/init.yaml"]);
  await eventually(async () => {
    expect((await container(room, "init", "first")).state.waiting?.reason).toBe("CrashLoopBackOff");
  }, { within: 20_000 });
  expect((await container(room, "init")).state.waiting?.reason).toBe("PodInitializing");
  play.kill("SIGINT");
  await play.exited;
});

/** Status of `play --wait` by policy, with one container that fails with 9, and one that succeeds, or fails too. */
const POLICIES: readonly { readonly policy: string; readonly other: number; readonly status: number }[] = [
  { policy: "none", other: 0, status: 0 },
  { policy: "none", other: 9, status: 0 },
  { policy: "any", other: 0, status: 9 },
  { policy: "any", other: 9, status: 9 },
  { policy: "all", other: 0, status: 0 },
  { policy: "all", other: 9, status: 9 },
];
for (const { policy, other, status } of POLICIES) {
  scenario(`--service-exit-code-propagation=${policy} gives ${status} when containers end with 9 and ${other}`, async (room) => {
    await room.write("/run/exit.yaml", documents(
      podText("fails", { script: "exit 9", restartPolicy: "Never" }),
      podText("other", { script: `exit ${other}`, restartPolicy: "Never" }),
    ));
    expect((await room.wherry(["play", "--wait", "--service-exit-code-propagation", policy, "/run/exit.yaml"])).status).toBe(status);
  });
}

scenario("--service-exit-code-propagation=all asks all containers, also the init containers of none", async (room) => {
  await room.write("/run/zero.yaml", podText("zero", { script: "exit 0", restartPolicy: "Never" }));
  expect((await room.wherry(["play", "--wait", "--service-exit-code-propagation", "all", "/run/zero.yaml"])).status).toBe(0);
});

scenario("stopping takes the longest grace period, not the sum, and no SIGKILL comes before it is over", async (room) => {
  const names = Array.from({ length: 5 }, (_, index) => `slow-${index}`);
  await room.write("/run/slow.yaml", documents(
    ...names.map((name) => podText(name, { script: "trap '' TERM; echo started; while :; do sleep 100000; done", grace: 2 })),
    podText("polite", { script: WAIT, grace: 30 }),
  ));
  await room.ok(["play", "/run/slow.yaml"]);
  const begun = performance.now();
  await room.ok(["down", "slow"]);
  const took = performance.now() - begun;
  expect(took).toBeGreaterThan(1_900);
  expect(took).toBeLessThan(3_500);
}, { timed: true });

scenario("a supervisor that is asked to end by several at once stops its pods all the same, within their grace periods", async (room) => {
  await room.write("/run/asked.yaml", podText("asked", { script: STUBBORN, grace: 3 }));
  await room.ok(["play", "/run/asked.yaml"]);
  const pid = String(await supervisor(room, "asked"));
  // At a shutdown systemd sends SIGTERM to every process of a scope, and the monitor passes its own on.
  await room.run(["sh", "-c", 'kill -TERM "$1"; sleep 0.5; kill -TERM "$1"; sleep 0.5; kill -INT "$1"', "-", pid]);
  expect((await container(room, "asked")).state.running).toBeDefined();
  await eventually(async () => expect((await container(room, "asked")).state.terminated?.exitCode).toBe(137), { within: 8_000 });
  await eventually(async () => expect(await supervisors(room)).toEqual([]), { within: 3_000 });
});
