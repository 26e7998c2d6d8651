import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { acquire, acquireWithin } from "./locks.ts";

function place(): { readonly path: string } & Disposable {
  const directory = mkdtempSync(`${tmpdir()}/wherry-locks-`);
  return { path: `${directory}/deep/lock`, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

test("acquireWithin() waits without blocking the event loop, and gives up in time", async () => {
  using at = place();
  const held = acquire(at.path, { wait: false });
  expect(await acquireWithin(at.path, { timeout: 50 })).toBeUndefined();
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 10);
  const waiting = acquireWithin(at.path, { timeout: 5_000 });
  await Bun.sleep(200);
  held?.[Symbol.dispose]();
  using late = await waiting;
  clearInterval(timer);
  expect(late?.path).toBe(at.path);
  expect(turns).toBeGreaterThan(5);
  expect(acquire(at.path, { wait: false })).toBeUndefined();
});

test("acquireWithin() takes shared locks, which keep only the exclusive one out", async () => {
  using at = place();
  using first = await acquireWithin(at.path, { timeout: 50, shared: true });
  using second = await acquireWithin(at.path, { timeout: 50, shared: true });
  expect([first, second].every((lock) => lock !== undefined)).toBe(true);
  expect(await acquireWithin(at.path, { timeout: 50 })).toBeUndefined();
});

test("a command that inherits the descriptor of a lock holds it too", async () => {
  using at = place();
  const lock = acquire(at.path, { wait: false });
  const child = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore", lock?.fd ?? "ignore"] });
  lock?.[Symbol.dispose]();
  expect(acquire(at.path, { wait: false })).toBeUndefined();
  child.kill("SIGKILL");
  await child.exited;
  using free = acquire(at.path, { wait: false });
  expect(free).toBeDefined();
});
