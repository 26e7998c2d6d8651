import { expect } from "bun:test";
import { documents, identities, podText, pods } from "../../harness/objects.ts";
import { supervisors } from "../../harness/processes.ts";
import { openPlainRoom, type Room } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

const published = (name: string, hostPort: number): string => podText(name, { grace: 1, container: `ports: [{containerPort: 80, hostPort: ${hostPort}}]` });
const SHOP = documents(published("web", 8086), podText("db", { grace: 1 }));

const phases = async (room: Room): Promise<readonly string[]> => (await pods(room)).map(({ metadata, status }) => `${metadata.name} ${status.phase}`).toSorted();
const UP = ["db Running", "web Running"];

scenario("plays of one service at once agree on one set of pods", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  const plays = await Promise.all([1, 2, 3].map(() => room.wherry(["play", "/run/shop.yaml"])));
  expect(plays.map(({ status, stderr }) => (status === 0 ? "" : stderr))).toEqual(["", "", ""]);
  expect(await phases(room)).toEqual(UP);
  expect(await supervisors(room)).toHaveLength(1);
});

scenario("replacing plays of one service at once all succeed", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  const before = await identities(room);
  const plays = await Promise.all([1, 2].map(() => room.wherry(["play", "--replace", "/run/shop.yaml"])));
  expect(plays.map(({ status, stderr }) => (status === 0 ? "" : stderr))).toEqual(["", ""]);
  expect(await phases(room)).toEqual(UP);
  expect(await identities(room)).not.toEqual(before);
});

scenario("two services that want one host port at once: one gets it, the other says so and goes on with the rest", async (room) => {
  await room.write("/run/one.yaml", documents(published("web", 8086), podText("a", { grace: 1 })));
  await room.write("/run/two.yaml", documents(published("app", 8086), podText("b", { grace: 1 })));
  const plays = await Promise.all(["one", "two"].map((name) => room.wherry(["play", `/run/${name}.yaml`])));
  if (plays.every(({ status }) => status !== 125)) console.log(plays.map(({ status, stderr }) => `${status} ${stderr}`).join("\n"));
  expect(plays.map(({ status }) => status).toSorted()).toEqual([0, 125]);
  const winner = plays.findIndex(({ status }) => status === 0) === 0 ? "one" : "two";
  await room.ok(["down", winner]);
  await room.ok(["play", `/run/${winner === "one" ? "two" : "one"}.yaml`]);
  expect(await phases(room)).toEqual(winner === "one" ? ["app Running", "b Running"] : ["a Running", "web Running"]);
});

scenario("two services that want one pod name at once: one gets it", async (room) => {
  for (const name of ["one", "two"]) await room.write(`/run/${name}.yaml`, podText("web", { grace: 1 }));
  const plays = await Promise.all(["one", "two"].map((name) => room.wherry(["play", `/run/${name}.yaml`])));
  expect(plays.map(({ status }) => status).toSorted()).toEqual([0, 125]);
  expect(await phases(room)).toEqual(["web Running"]);
});

scenario("play and down at once leave all or nothing, and the next play converges", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  for (const head of [0, 30, 80, 150, 250]) {
    const played = room.wherry(["play", "/run/shop.yaml"]);
    await Bun.sleep(head);
    const { status, stderr } = await room.wherry(["down", "/run/shop.yaml"]);
    expect({ head, status, stderr: status === 0 ? "" : stderr }).toEqual({ head, status: 0, stderr: "" });
    await played;
    expect([[], UP]).toContainEqual([...(await phases(room))]);
    await room.ok(["play", "/run/shop.yaml"]);
    expect(await phases(room)).toEqual(UP);
    await room.ok(["down", "/run/shop.yaml"]);
  }
}, { timeout: 120_000 });

scenario("pod verbs at once with a replacing play end in a service that plays again", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  for (const verb of ["stop", "restart", "kill", "rm"]) {
    await Promise.all([room.wherry(["play", "--replace", "/run/shop.yaml"]), room.wherry(["pod", verb, "web"])]);
    await room.ok(["play", "/run/shop.yaml"]);
    expect({ verb, phases: await phases(room) }).toEqual({ verb, phases: UP });
  }
}, { timeout: 120_000 });

scenario("pod restart without a supervisor restarts that pod only", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "/run/shop.yaml"]);
  const restarts = async (name: string): Promise<number | undefined> => (await pods(room)).find(({ metadata }) => metadata.name === name)?.status.containerStatuses?.[0]?.restartCount;
  await room.run(["kill", "-9", ...(await supervisors(room)).map(String)]);
  await room.ok(["pod", "restart", "web"]);
  expect([await restarts("web"), await restarts("db"), await phases(room)]).toEqual([1, 0, UP]);
});

scenario("--start=false records pods without starting them, and the next play starts them", async (room) => {
  await room.write("/run/shop.yaml", SHOP);
  await room.ok(["play", "--start=false", "/run/shop.yaml"]);
  expect(await phases(room)).toEqual(["db Pending", "web Pending"]);
  await room.ok(["play", "/run/shop.yaml"]);
  expect(await phases(room)).toEqual(UP);
});
