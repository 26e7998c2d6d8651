import { expect, test } from "bun:test";
import { table } from "./report.ts";
import { IMAGE_ROWS, PLAY_ROWS, startKey } from "./rows.ts";
import { median, Samples } from "./samples.ts";

test("median() is the middle, or the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeUndefined();
});

test("table() shows medians, ratios and verdicts, and leaves out what was not measured", () => {
  const samples = new Samples();
  for (const value of [0.1, 0.3, 0.2]) samples.add("play 1", "wherry", value);
  samples.add("play 1", "Podman", 0.4);
  samples.add("play 1", "floor", 0.1);
  const lines = table(samples, PLAY_ROWS).split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[2]).toBe("| `play`, 1 pod | 0.20 s | 0.40 s | 0.10 s | 0.50 | 2.00 | ≤ 0.5 × Podman, ≤ 1.5 × floor | ok, **missed** | 3/1/1 |");
});

test("table() judges milliseconds in milliseconds", () => {
  const samples = new Samples();
  samples.add("reads", "wherry", 0.099);
  expect(table(samples, PLAY_ROWS)).toContain("| 99 ms |");
  expect(table(samples, PLAY_ROWS)).toContain("| ok |");
});

test("table() compares with wherry's own value in another row", () => {
  const samples = new Samples();
  samples.add(startKey("layers", 1), "wherry", 0.2);
  samples.add(startKey("layers", 10), "wherry", 0.23);
  samples.add(startKey("layers", 100), "wherry", 0.25);
  samples.add("fetched", "wherry", 1);
  const lines = table(samples, IMAGE_ROWS).split("\n").slice(2);
  expect(lines.map((line) => line.split(" | ").slice(6, 8).join(" "))).toEqual(["≤ 1 times ok", " ", "≤ 1.2 × 1 ok", "≤ 1.2 × 1 **missed**"]);
});
