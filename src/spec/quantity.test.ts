import { describe, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import { bytesOf, milliCpuOf, parseQuantity } from "./quantity.ts";

const VALUES: readonly (readonly [string, number])[] = [
  ["0", 0], ["1", 1], ["+1", 1], ["-1", -1], ["007", 7], ["0.5", 0.5], [".5", 0.5], ["5.", 5], ["500m", 0.5], ["100n", 1e-7],
  ["250u", 0.00025], ["1k", 1000], ["1Ki", 1024], ["64Mi", 67108864], ["2G", 2e9], ["1.5Gi", 1610612736], ["1e3", 1000],
  ["1E3", 1000], ["1E", 1e18], ["1e-3", 0.001], ["1e+21", Number.NaN], ["1Ei", 2 ** 60], ["0.1", 0.1], ["9223372036854775807", 2 ** 63],
];
const WRONG = ["", " ", "1 ", "m", ".", "-", "1K", "1KiB", "10Mb", "1e", "e3", "0x10", "1_000", "1,5", "--1", "1.2.3", "Infinity", "NaN", "1e999999999999", "8Ei", "9223372036854775808", `1${"0".repeat(80)}`];

describe("parseQuantity", () => {
  for (const [text, value] of VALUES.filter(([, number]) => !Number.isNaN(number))) {
    test(`parseQuantity reads "${text}" as ${value}`, () => expect(parseQuantity(text)).toBe(value));
  }
  for (const text of [...WRONG, "1e+21"]) {
    test(`parseQuantity refuses "${text.slice(0, 30)}" as invalid`, () => {
      expect(() => parseQuantity(text)).toThrow(WherryError);
      expect(() => parseQuantity(text)).toThrow(/^Cannot read ".*" as a quantity: it must be /);
    });
  }
});

describe("bytesOf", () => {
  const rows: readonly (readonly [string, number])[] = [
    ["64Mi", 67108864], ["1", 1], ["0.1", 1], ["1.1Ki", 1127], ["64m", 1], ["0.1Gi", 107374183], ["9007199254740991", 9007199254740991], ["1234567890123456", 1234567890123456], ["8Pi", 2 ** 53], ["-0.5", 0], ["-1.5", -1],
  ];
  for (const [text, bytes] of rows) test(`bytesOf rounds "${text}" up to ${bytes}`, () => expect(bytesOf(text)).toBe(bytes));
});

describe("milliCpuOf", () => {
  const rows: readonly (readonly [string, number])[] = [["1", 1000], ["500m", 500], ["0.1", 100], ["0.3", 300], ["1.001", 1001], ["0.0001", 1], ["1u", 1], ["100", 100_000], ["0.29", 290], ["1.1", 1100]];
  for (const [text, milli] of rows) test(`milliCpuOf rounds "${text}" up to ${milli}`, () => expect(milliCpuOf(text)).toBe(milli));
});
