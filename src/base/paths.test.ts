import { expect, test } from "bun:test";
import { podLogDirectory, uidOfLogs } from "./paths.ts";

test("uidOfLogs() finds the uid that podLogDirectory() has put into a name, and nothing in others", () => {
  const uid = "09e54533-5197-45d4-b343-5de8181985bf";
  const paths = { durable: "/d", runtime: "/r", logs: "/l", self: ["wherry"] };
  expect(uidOfLogs(podLogDirectory(paths, "default", "web-0", uid).slice("/l/".length))).toBe(uid);
  for (const name of ["notes", "default_web", `default_web_${uid}.old`, `web_${uid}`]) expect(uidOfLogs(name)).toBeUndefined();
});
