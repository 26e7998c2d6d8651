import { expect, test } from "bun:test";
import { backoffDelay, countEnd, goDuration, pullDelay } from "./backoff.ts";

test("backoffDelay() is 0, 10 s, then doubles to 5 min", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 50].map(backoffDelay)).toEqual([0, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3, 300e3]);
});

test("countEnd() starts again after a run of more than ten minutes", () => {
  expect(countEnd(5, 1000)).toBe(6);
  expect(countEnd(5, 600_000)).toBe(6);
  expect(countEnd(5, 600_001)).toBe(1);
});

test("pullDelay() is 10 seconds, doubling to 5 minutes", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 50].map((failures) => pullDelay(failures) / 1000)).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
});

test("goDuration() prints milliseconds as Go does", () => {
  expect([0, 850, 1000, 1234.9, 60_000, 62_500, 3_723_004].map(goDuration)).toEqual(["0s", "850ms", "1s", "1.234s", "1m0s", "1m2.5s", "1h2m3.004s"]);
});
