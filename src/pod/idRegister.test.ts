import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { idRegister } from "./idRegister.ts";

const root = mkdtempSync(`${tmpdir()}/wherry-ids-`);
afterEach(() => rmSync(root, { recursive: true, force: true }));

const register = idRegister({ directory: `${root}/register`, ranges: () => [65536, 131072].map((first) => ({ first, count: 65536 })) });
const recorded: number[] = [];
const claim = (pod: string, before?: number): number => {
  mkdirSync(`${root}/${pod}`, { recursive: true });
  return register.claim({ owner: `${root}/${pod}`, recorded: before, record: (first) => void recorded.push(first) });
};
const claims = (): readonly string[] => readdirSync(`${root}/register`).filter((name) => name !== "lock").toSorted();

test("idRegister gives every pod other ids, records them first, and none when all are taken", () => {
  expect([claim("a"), claim("b")]).toEqual([65536, 131072]);
  expect(recorded).toEqual([65536, 131072]);
  expect(() => claim("c")).toThrow("could not find an empty slot to allocate a user namespace");
  register.release(`${root}/a`, 131072); // not its own
  register.release(`${root}/a`, 65536);
  register.release(`${root}/a`, 65536);
  expect(claims()).toEqual(["131072"]);
  expect(claim("c")).toBe(65536);
});

test("idRegister gives a pod the ids that it has on record, unless somebody else has got them", () => {
  expect(claim("a", 131072)).toBe(131072);
  expect(claim("a", 131072)).toBe(131072);
  expect(claim("b", 131072)).toBe(65536);
});

test("idRegister gives ids again whose pod's directory has gone", () => {
  claim("a");
  claim("b");
  rmSync(`${root}/b`, { recursive: true });
  expect([claim("c"), claims()]).toEqual([131072, ["131072", "65536"]]);
});

test("idRegister claims nothing when it cannot be recorded", () => {
  mkdirSync(`${root}/a`, { recursive: true });
  const record = (): never => {
    throw new Error("full");
  };
  expect(() => register.claim({ owner: `${root}/a`, recorded: undefined, record })).toThrow("full");
  expect(claims()).toEqual([]);
});
