import { expect, test } from "bun:test";
import { scratch } from "./fixtures.ts";
import { syncStore } from "./sync.ts";

test("syncStore() lets all who ask while one runs share the next", async () => {
  using at = scratch();
  const first = syncStore(at.path);
  const [second, third] = [syncStore(at.path), syncStore(at.path)];
  expect(second).toBe(third);
  expect(second).not.toBe(first);
  await Promise.all([first, second]);
  const later = syncStore(at.path);
  expect(later).not.toBe(second);
  await later;
});

test("syncStore() fails when there is no such directory, and may be asked again", async () => {
  using at = scratch();
  for (const _ of [1, 2]) await expect(syncStore(`${at.path}/none`)).rejects.toThrow("sync");
});
