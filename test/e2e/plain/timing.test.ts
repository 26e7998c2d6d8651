/**
 * When things happen, told by the containers themselves: each probe, hook and signal writes its instant into a timeline
 * on the host. The tolerances are for a busy machine with two processors.
 */
import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, podText } from "../../harness/objects.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

/** Seconds that an instant may come late, and early (clocks tick in hundredths). */
const LATE = 0.6;
const EARLY = 0.05;

const say = (words: string): string => `read now rest < /proc/uptime; echo \\"$now ${words}\\" >> /log/timeline`;
const script = (text: string): string => `[sh, -c, "${text}"]`;
const LOG = "volumeMounts: [{name: log, mountPath: /log}]";

/** Instants of what was said, in seconds since the first `up`. */
async function instants(room: Room, name: string): Promise<(words: string) => readonly number[]> {
  const lines = (await room.run(["cat", `/run/log-${name}/timeline`])).stdout.trim().split("\n").map((line) => line.split(" "));
  const first = Number(lines.find(([, words]) => words === "up")?.[0]);
  return (words) => lines.filter(([, said]) => said === words).map(([time]) => Number(time) - first);
}

function expectAt(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBeGreaterThanOrEqual(expected.length);
  expected.forEach((each, index) => expect(actual[index]).toBeWithin(each - EARLY, each + LATE));
}

const pod = (name: string, more: { readonly main: string; readonly fields?: string; readonly grace?: number }): string =>
  podText(name, { grace: more.grace ?? 1, script: "X", container: `${LOG}\n${more.fields ?? ""}`, spec: `volumes: [{name: log, hostPath: {path: /run/log-${name}, type: DirectoryOrCreate}}]` })
    .replace('[sh, -c, "X"]', script(more.main));

const RUN = `${say("up")}; trap 'exit 0' TERM; while :; do sleep 0.05; done`;

scenario("probes come at once or after their delay, then every period; readiness and liveness when the startup probe has succeeded", async (room) => {
  const probe = (words: string, answer: string, timing: string): string => `{exec: {command: ${script(`${say(words)}; ${answer}`)}}, ${timing}}`;
  await room.write("/run/probes.yaml", pod("probes", {
    main: RUN,
    fields: [
      `startupProbe: ${probe("startup", "test $(grep -c startup /log/timeline) -ge 3", "initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 9")}`,
      `readinessProbe: ${probe("readiness", "true", "periodSeconds: 2")}`,
      `livenessProbe: ${probe("liveness", "true", "periodSeconds: 2")}`,
    ].join("\n"),
  }));
  await room.ok(["play", "/run/probes.yaml"]);
  await Bun.sleep(4_500);
  const at = await instants(room, "probes");
  expectAt(at("startup"), [1, 2, 3]);
  expect(at("startup")).toHaveLength(3);
  expectAt(at("readiness"), [3, 4, 6]); // at once, then on its own grid: every 2 s from the start
  expectAt(at("liveness"), [4, 6]);
}, { timed: true });

scenario("a liveness probe ends its container after as many failures as its threshold, and the back-off doubles from ten seconds", async (room) => {
  await room.write("/run/live.yaml", pod("live", {
    main: `${say("up")}; trap '${say("asked").replaceAll('\\"', '\\"')}; exit 1' TERM; while :; do sleep 0.05; done`,
    fields: `livenessProbe: {exec: {command: ${script(`${say("probe")}; false`)}}, periodSeconds: 1, failureThreshold: 2}`,
  }));
  await room.wherry(["play", "/run/live.yaml"]);
  await eventually(async () => expect((await container(room, "live")).restartCount).toBe(2), { within: 30_000 });
  await eventually(async () => expect((await instants(room, "live"))("up")).toHaveLength(3), { within: 5_000 });
  const at = await instants(room, "live");
  const [, second = 0, third = 0] = at("up");
  expectAt(at("probe"), [0, 1, second, second + 1]);
  expectAt(at("asked"), [1, second + 1]);
  expect(second).toBeWithin(1 - EARLY, 1 + 2 * LATE); // the first restart is at once
  expect(third - (at("asked")[1] ?? 0)).toBeWithin(10 - EARLY, 10 + 2 * LATE);
}, { timed: true });

scenario("the grace period begins with the preStop hook, and SIGKILL comes when it is over", async (room) => {
  await room.write("/run/grace.yaml", pod("grace", {
    grace: 4,
    main: `${say("up")}; trap '${say("asked")}' TERM; while :; do sleep 0.05; ${say("alive")}; done`,
    fields: `lifecycle: {preStop: {exec: {command: ${script(`${say("pre")}; sleep 1`)}}}}`,
  }));
  await room.ok(["play", "/run/grace.yaml"]);
  await room.ok(["pod", "stop", "grace"]);
  const at = await instants(room, "grace");
  const [pre = 0] = at("pre");
  expectAt(at("asked"), [pre + 1]);
  expect(at("alive").at(-1)).toBeWithin(pre + 4 - 0.5, pre + 4 + LATE);
}, { timed: true });
