import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { userName, userOf } from "./users.ts";

test("userOf() knows every user of /etc/passwd, whatever $USER says", () => {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n").filter((line) => /^[^#:]+:/.test(line)).map((line) => line.split(":"));
  for (const [name, , uid, gid] of lines) {
    if (lines.find((each) => each[2] === uid)?.[0] !== name) continue; // the second of two names for one user
    expect(userOf(Number(uid))).toEqual({ name: name ?? "", gid: Number(gid) });
  }
});

test("userName() of a number that nobody has is the number", () => {
  expect(userOf(4_000_000_000)).toBeUndefined();
  expect(userName(4_000_000_000)).toBe("4000000000");
});
