import { Database as Sqlite } from "bun:sqlite";
import { expect, test } from "bun:test";
import { DURABLE, RUNTIME, type Schema } from "./schema.ts";

const tablesOf = (schema: Schema, version: number): readonly unknown[] => {
  using database = new Sqlite(":memory:");
  for (const migration of schema.migrations.slice(0, version)) database.run(migration);
  return database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").values().flat();
};

test("DURABLE version 1 holds services, objects and images", () => {
  expect(tablesOf(DURABLE, 1)).toEqual(["image_names", "images", "objects", "services"]);
});

test("RUNTIME version 1 holds runs, pods with what they hold, and events", () => {
  expect(tablesOf(RUNTIME, 1)).toEqual(["containers", "event_counter", "events", "host_ports", "pods", "runs"]);
});

test("DURABLE and RUNTIME have a test of each migration here", () => {
  expect([DURABLE.migrations.length, RUNTIME.migrations.length]).toEqual([1, 1]);
});
