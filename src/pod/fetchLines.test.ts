import { describe, expect, test } from "bun:test";
import { WherryError } from "../base/errors.ts";
import type { StoreProgress } from "../storage/storage.ts";
import { encodeFetchLine, errorOf, failureOf, parseFetchLine, pullMeter, type FetchLine } from "./fetchLines.ts";

describe("parseFetchLine()", () => {
  const lines: readonly FetchLine[] = [
    { progress: { bytes: 1, total: 2 } },
    { image: { id: "sha256:1", name: "x" }, changed: true },
    { error: { kind: "notFound", code: "ErrImagePull", message: "no", hint: "do", transient: false } },
    { error: { kind: "failed", code: "ErrImagePull", message: "no", transient: true } },
  ];
  for (const line of lines) test(`parseFetchLine() reads back ${Object.keys(line)[0]}`, () => expect(parseFetchLine(encodeFetchLine(line))).toEqual(line));
  for (const text of ["1", "{}", "{", '{"progress":{"bytes":"1","total":2}}', '{"image":{"id":1}}', '{"error":{"kind":"odd","code":"","message":""}}']) {
    test(`parseFetchLine() refuses ${text}`, () => expect(() => parseFetchLine(text)).toThrow());
  }
});

describe("failureOf()", () => {
  test("failureOf() and errorOf() carry an error from one process to another", () => {
    const error = new WherryError("failed", "Cannot pull it: no", { code: "ErrImagePull", hint: "do", context: { transient: true, argv: ["secret"] } });
    const carried = errorOf(failureOf(error));
    expect([carried.kind, carried.code, carried.message, carried.hint, carried.context]).toEqual(["failed", "ErrImagePull", "Cannot pull it: no", "do", { transient: true }]);
  });
  test("failureOf() a bug is nothing that passes", () => expect(failureOf(new Error("oops"))).toEqual({ kind: "failed", code: "EBUG", message: "oops", transient: false }));
});

test("pullMeter() adds up what is fetched and unpacked of the layers that are missing", () => {
  const meter = pullMeter();
  const steps: readonly (readonly [StoreProgress, number])[] = [
    [{ step: "read", source: "docker://x" }, 0],
    [{ step: "layers", layers: [{ blob: "a", size: 100, present: false }, { blob: "b", size: 50, present: false }, { blob: "c", size: 999, present: true }] }, 0],
    [{ step: "download", blob: "a", bytes: 40 }, 20],
    [{ step: "download", blob: "a", bytes: 100 }, 50],
    [{ step: "unpack", blob: "a", bytes: 60 }, 80],
    [{ step: "download", blob: "b", bytes: 60 }, 105],
    [{ step: "layer", blob: "a", state: "done" }, 125],
    [{ step: "layer", blob: "c", state: "present" }, 125],
    [{ step: "layer", blob: "b", state: "done" }, 150],
  ];
  expect(meter({ step: "read", source: "" })).toEqual({ bytes: 0, total: 0 });
  for (const [step, bytes] of steps) expect(meter(step).bytes).toBe(bytes);
  expect(meter({ step: "read", source: "" }).total).toBe(150);
});
