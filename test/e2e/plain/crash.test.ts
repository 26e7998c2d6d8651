import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { delays, interrupted } from "../../harness/interrupting.ts";
import { documents, identities, pod, podText, pods } from "../../harness/objects.ts";
import { kill, monitors, processes, supervisor, supervisors } from "../../harness/processes.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const SHOP = documents(
  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n",
  podText("web", { grace: 1, container: "ports: [{containerPort: 80, hostPort: 8086}]\nvolumeMounts: [{name: settings, mountPath: /settings}]", spec: "volumes: [{name: settings, configMap: {name: settings}}]" }),
  podText("db", { grace: 1 }),
);

async function allRun(room: Room): Promise<void> {
  const all = await pods(room);
  expect(all.map(({ metadata, status }) => `${metadata.name} ${status.phase}`).toSorted()).toEqual(["db Running", "web Running"]);
}

scenario("after kill -9 of the supervisor the pods live on, and play adopts them", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  const before = await identities(room);
  const payloads = (await processes(room)).filter(({ command }) => command.startsWith("sleep 100000")).map(({ pid }) => pid).toSorted();
  await kill(room, await supervisor(room, "shop"));
  await allRun(room);
  await room.ok(["play", "/run/shop.yaml"]);
  expect(await identities(room)).toEqual(before);
  expect((await processes(room)).filter(({ command }) => command.startsWith("sleep 100000")).map(({ pid }) => pid).toSorted()).toEqual(payloads);
  await supervisor(room, "shop");
});

scenario("after kill -9 of the supervisor, down takes everything away", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  await kill(room, await supervisor(room, "shop"));
  await room.ok(["down", "/run/shop.yaml"]);
  expect(await pods(room)).toEqual([]);
});

scenario("after kill -9 of the supervisor, pod verbs work without it", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  await kill(room, await supervisor(room, "shop"));
  await room.ok(["pod", "rm", "web"]);
  expect(Object.keys(await identities(room))).toEqual(["db"]);
  await room.ok(["play", "/run/shop.yaml"]);
  await allRun(room);
});

scenario("after kill -9 of a container's conmon, the container is made anew", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  await kill(room, ...(await monitorsOf(room, "db")));
  await eventually(async () => {
    await allRun(room);
    expect((await pod(room, "db")).status.containerStatuses?.[0]?.restartCount).toBe(1);
  }, { within: 30_000 });
});

/** conmons whose container's name or log path says that they are the pod's. */
async function monitorsOf(room: Room, name: string): Promise<readonly number[]> {
  const found = (await processes(room)).filter(({ program, command }) => program === "conmon" && command.includes(`_${name}_`));
  expect(found.length).toBe(1);
  return found.map(({ pid }) => pid);
}

scenario("after kill -9 of everything at once, play converges", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  await kill(room, await supervisor(room, "shop"), ...(await monitors(room)));
  await room.ok(["play", "/run/shop.yaml"]);
  await allRun(room);
});

scenario("after kill -9 of all conmons and the supervisor, down takes everything away", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  await kill(room, await supervisor(room, "shop"), ...(await monitors(room)));
  await room.ok(["down", "--all"]);
  expect(await pods(room)).toEqual([]);
});

/** Points at which a command, and then the supervisor it leaves behind, is killed. */
const POINTS = 20;
const PLAY_MS = 400;

scenario(`after kill -9 of play at ${POINTS} points, play again converges`, async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  for (const delay of delays(POINTS, PLAY_MS)) {
    await interrupted(room, { words: ["play", "/run/shop.yaml"], delay });
    await room.ok(["play", "/run/shop.yaml"]);
    await allRun(room);
    await room.ok(["down", "/run/shop.yaml"]);
  }
}, { timeout: 180_000 });

scenario(`after kill -9 of play at ${POINTS} points, down leaves nothing`, async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  const before = await room.leaks();
  for (const delay of delays(POINTS, PLAY_MS)) {
    await interrupted(room, { words: ["play", "/run/shop.yaml"], delay });
    await room.ok(["down", "/run/shop.yaml"]);
    await eventually(async () => expect({ delay, leaks: await room.leaks() }).toEqual({ delay, leaks: before }), { within: 3_000 });
  }
}, { timeout: 180_000 });

scenario(`after kill -9 of play and its supervisor at ${POINTS} points, play again converges`, async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  for (const delay of delays(POINTS, PLAY_MS)) {
    await interrupted(room, { words: ["play", "/run/shop.yaml"], delay });
    await kill(room, ...(await supervisors(room)));
    await room.ok(["play", "/run/shop.yaml"]);
    await allRun(room);
    await room.ok(["down", "/run/shop.yaml"]);
  }
}, { timeout: 180_000 });

scenario("after kill -9 of a replacing play and its supervisor at 8 points, play again converges", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  for (const delay of delays(8, 1500)) {
    await interrupted(room, { words: ["play", "--replace", "/run/shop.yaml"], delay });
    await kill(room, ...(await supervisors(room)));
    await room.ok(["play", "/run/shop.yaml"]);
    await allRun(room);
  }
}, { timeout: 180_000 });

scenario("after kill -9 of a down that works without a supervisor at 8 points, down again leaves nothing", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  const before = await room.leaks();
  for (const delay of delays(8, 1500)) {
    await room.ok(["play", "/run/shop.yaml"]);
    await kill(room, ...(await supervisors(room)));
    await interrupted(room, { words: ["down", "/run/shop.yaml"], delay });
    await room.ok(["down", "/run/shop.yaml"]);
    await eventually(async () => expect({ delay, leaks: await room.leaks() }).toEqual({ delay, leaks: before }), { within: 3_000 });
  }
}, { timeout: 180_000 });

scenario("after kill -9 of conmons at 8 points of a play, play again converges", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  for (const delay of delays(8, PLAY_MS)) {
    const played = room.wherry(["play", "/run/shop.yaml"]);
    await Bun.sleep(delay);
    await kill(room, ...(await monitors(room)));
    await played;
    await room.ok(["play", "/run/shop.yaml"]);
    await eventually(() => allRun(room), { within: 30_000 });
    await room.ok(["down", "/run/shop.yaml"]);
  }
}, { timeout: 180_000 });

scenario("after kill -9 of down and its supervisor at 10 points, down again leaves nothing", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  const before = await room.leaks();
  for (const delay of delays(10, 300)) {
    await room.ok(["play", "/run/shop.yaml"]);
    await interrupted(room, { words: ["down", "/run/shop.yaml"], delay });
    await kill(room, ...(await supervisors(room)));
    await room.ok(["down", "/run/shop.yaml"]);
    await eventually(async () => expect({ delay, leaks: await room.leaks() }).toEqual({ delay, leaks: before }), { within: 3_000 });
  }
}, { timeout: 180_000 });
