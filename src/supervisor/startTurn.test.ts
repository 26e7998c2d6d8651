import { expect, test } from "bun:test";
import { scratch } from "../storage/fixtures.ts";
import { newContainerId } from "../spec/spec.ts";
import { hasBegun, startTurn } from "./startTurn.ts";

test("startTurn() gives as many turns as there are, and the next one when one has been given back", async () => {
  using at = scratch();
  const paths = { durable: at.path, runtime: at.path, logs: at.path, self: [] };
  let waits = 0;
  const take = (): ReturnType<typeof startTurn> => startTurn(paths, () => (waits += 1), 2);
  const [first, second] = [await take(), await take()];
  expect(waits).toBe(0);
  const third = take();
  await Bun.sleep(20);
  expect(waits).toBe(1);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  (await third)[Symbol.dispose]();
});

type Case = readonly [what: string, record: Parameters<typeof hasBegun>[0], containers: Parameters<typeof hasBegun>[1], is: boolean];

const waiting = (reason: string): Case[2][number] => ({ state: { status: "waiting", reason } });
const CASES: readonly Case[] = [
  ["nothing of it is there", { wanted: "running", reason: "" }, [waiting("ContainerCreating")], false],
  ["its init container runs", { wanted: "running", reason: "" }, [{ state: { status: "running", id: newContainerId(), pid: 1, startedAt: 1 } }, waiting("PodInitializing")], true],
  ["its image does not come", { wanted: "running", reason: "" }, [waiting("ImagePullBackOff")], true],
  ["it was rejected", { wanted: "running", reason: "Evicted" }, [waiting("ContainerCreating")], true],
  ["it is not to run", { wanted: "stopped", reason: "" }, [waiting("ContainerCreating")], true],
];

test.each([...CASES])("hasBegun() when %s", (_, record, containers, is) => {
  expect(hasBegun(record, containers)).toBe(is);
});
