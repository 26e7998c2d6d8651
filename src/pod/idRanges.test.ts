import { expect, test } from "bun:test";
import { freeOf, type IdFiles, rangesFor } from "./idRanges.ts";

const HOST = "         0          0 4294967295\n";
const files = (change: Partial<IdFiles> = {}): IdFiles => ({ subuid: "", subgid: "", uidMap: HOST, gidMap: HOST, ...change });
const firsts = (change: Partial<IdFiles>): readonly number[] => rangesFor(files(change)).map(({ first }) => first);

test("rangesFor() gives ids that nobody uses, where nobody has been given any", () => {
  const all = firsts({});
  expect([all.length, all[0], all.at(-1)]).toEqual([4094, 0x70000000, 0x7ffd0000]);
});

test("rangesFor() leaves out what somebody has been given", () => {
  const given = "# comment\nalice:1879048192:65536\nbroken\n";
  expect(firsts({ subuid: given })[0]).toBe(0x70010000);
  expect(firsts({ subgid: `bob:${0x7000ffff}:2\n` })[0]).toBe(0x70020000);
});

test("rangesFor() takes the ids of the user containers, those of groups too, the last first", () => {
  const own = "alice:100000:65536\ncontainers:3000000:196608\ncontainers:5000000:65536\n";
  expect(firsts({ subuid: own, subgid: own })).toEqual([5000000, 3131072, 3065536, 3000000]);
  expect(firsts({ subuid: own, subgid: "containers:3065536:70000\n" })).toEqual([3065536]);
  expect(firsts({ subuid: own })).toEqual([]);
});

test("rangesFor() gives nobody the ids of the host's own users, nor ids that we have not", () => {
  const low = "containers:0:131072\n";
  expect(firsts({ subuid: low, subgid: low })).toEqual([65536]);
  expect(firsts({ uidMap: "0 100000 65536\n" })).toEqual([]);
  const inner = "0 1000 1\n1 100000 300000\n";
  const own = "containers:1:300000\n";
  expect(firsts({ subuid: own, subgid: own, uidMap: inner, gidMap: inner })).toEqual([196608, 131072, 65536]);
});

test("freeOf() is the first that is not taken", () => {
  const ranges = rangesFor(files());
  expect(freeOf(ranges, (first) => first < 0x70020000)).toBe(0x70020000);
  expect(freeOf(ranges, () => true)).toBeUndefined();
});
