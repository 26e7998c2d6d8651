import { expect, test } from "bun:test";
import { backoffDelay, countEnd } from "./backoff.ts";

test("backoffDelay() is 0, 10 s, then doubles to 5 min", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 50].map(backoffDelay)).toEqual([0, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3, 300e3]);
});

test("countEnd() starts again after a run of more than ten minutes", () => {
  expect(countEnd(5, 1000)).toBe(6);
  expect(countEnd(5, 600_000)).toBe(6);
  expect(countEnd(5, 600_001)).toBe(1);
});
