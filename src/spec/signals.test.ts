import { describe, expect, test } from "bun:test";
import { signalNamed, signalNumber } from "./signals.ts";

describe("signalNamed()", () => {
  const table: readonly (readonly [string, string | undefined, number])[] = [
    ["SIGTERM", "SIGTERM", 15], ["quit", "SIGQUIT", 3], ["28", "SIGWINCH", 28], ["9", "SIGKILL", 9], ["SIGIOT", "SIGABRT", 6],
    ["SIGRTMIN", "SIGRTMIN", 34], ["SIGRTMIN+3", "SIGRTMIN+3", 37], ["37", "SIGRTMIN+3", 37], ["RTMAX-14", "SIGRTMIN+16", 50], ["64", "SIGRTMAX", 64],
    ["", undefined, 0], ["SIGNOPE", undefined, 0], ["SIGRTMIN+31", undefined, 0], ["33", undefined, 0], ["0", undefined, 0],
  ];
  test.each(table)("signalNamed() of %p is %p", (text, name, number) => {
    const signal = signalNamed(text);
    expect(signal).toBe(name as typeof signal); // the table holds what is expected
    if (signal !== undefined) expect(signalNumber(signal)).toBe(number);
  });
});
