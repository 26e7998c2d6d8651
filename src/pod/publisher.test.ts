import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { recorded, recordOf, type Wanted } from "./publisher.ts";

function start(): Wanted & Disposable {
  const directory = mkdtempSync(`${tmpdir()}/wherry-publisher-`);
  return { file: `${directory}/uid`, token: "this", [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

test("recorded() has a process recorded before it goes on", () => {
  using wanted = start();
  writeFileSync(wanted.file, wanted.token);
  const { stdout, exitCode } = Bun.spawnSync([...recorded(wanted, ["sh", "-c", 'cat "$0"', recordOf(wanted)])]);
  expect(exitCode).toBe(0);
  expect(stdout.toString()).toMatch(/^\d+ \d+\n$/);
  expect(readFileSync(recordOf(wanted), "utf8")).toBe(stdout.toString());
});

test.each([undefined, "this ending", "another"])("recorded() lets no process go on that is late, when the file says %p", (said) => {
  using wanted = start();
  if (said !== undefined) writeFileSync(wanted.file, said);
  const { stdout, exitCode } = Bun.spawnSync([...recorded(wanted, ["echo", "it went on"])]);
  expect([exitCode, stdout.toString()]).toEqual([1, ""]);
  expect(existsSync(recordOf(wanted))).toBe(false);
});
