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

test("DURABLE version 2 adds layers and blobs, with a row for every layer of an image", () => {
  expect(tablesOf(DURABLE, 2)).toEqual(["blobs", "image_names", "images", "layers", "objects", "services"]);
  using database = new Sqlite(":memory:");
  for (const migration of DURABLE.migrations.slice(0, 1)) database.run(migration);
  const insert = "INSERT INTO images VALUES (?, ?, '{}', 1, 1, 1)";
  database.run(insert, ["sha256:a", JSON.stringify(["sha256:1", "sha256:2"])]);
  database.run(insert, ["sha256:b", JSON.stringify(["sha256:1"])]);
  for (const migration of DURABLE.migrations.slice(1, 2)) database.run(migration);
  expect(database.prepare("SELECT diff_id, damage FROM layers ORDER BY diff_id").values()).toEqual([["sha256:1", ""], ["sha256:2", ""]]);
});

test("DURABLE version 3 adds claims", () => {
  expect(tablesOf(DURABLE, 3)).toEqual(["blobs", "claims", "image_names", "images", "layers", "objects", "services"]);
});

test("DURABLE version 4 adds sealed Secrets", () => {
  expect(tablesOf(DURABLE, 4)).toEqual(["blobs", "claims", "image_names", "images", "layers", "objects", "sealed", "services"]);
});

test("RUNTIME version 1 holds runs, pods with what they hold, and events", () => {
  expect(tablesOf(RUNTIME, 1)).toEqual(["containers", "event_counter", "events", "host_ports", "pods", "runs"]);
});

test("RUNTIME version 2 knows what probes find, and keeps what was there", () => {
  using database = new Sqlite(":memory:");
  for (const migration of RUNTIME.migrations.slice(0, 1)) database.run(migration);
  database.run("INSERT INTO containers VALUES ('u', 'web', 'main', 0, 1, '{}', NULL, 0, '', '', '', '')");
  for (const migration of RUNTIME.migrations.slice(1, 2)) database.run(migration);
  expect(database.prepare("SELECT name, health FROM containers").values()).toEqual([["web", null]]);
});

test("RUNTIME version 3 knows who containers are, and keeps what was there", () => {
  using database = new Sqlite(":memory:");
  for (const migration of RUNTIME.migrations.slice(0, 2)) database.run(migration);
  database.run("INSERT INTO containers VALUES ('u', 'web', 'main', 0, 1, '{}', NULL, 0, '', '', '', '', NULL)");
  for (const migration of RUNTIME.migrations.slice(2, 3)) database.run(migration);
  expect(database.prepare("SELECT name, user FROM containers").values()).toEqual([["web", null]]);
});

test("RUNTIME version 4 gives pods a second address, which those of before lack", () => {
  using database = new Sqlite(":memory:");
  for (const migration of RUNTIME.migrations.slice(0, 3)) database.run(migration);
  const insert = "INSERT INTO pods (uid, service, pod, hash, wanted, cgroup, network, ip, phase, reason, message, created_at, sandbox_at, initialized_at, ready_at) VALUES (?, 's', ?, '', 'running', '', 'bridge', ?, '', '', '', 0, 0, 0, 0)";
  for (const name of ["a", "b"]) database.run(insert, [name, JSON.stringify({ metadata: { namespace: "default", name } }), name]);
  for (const migration of RUNTIME.migrations.slice(3, 4)) database.run(migration);
  expect(database.prepare("SELECT ip, ip6 FROM pods ORDER BY ip").values()).toEqual([["a", null], ["b", null]]);
  database.run("UPDATE pods SET ip6 = 'fd00::2' WHERE uid = 'a'");
  expect(() => database.run("UPDATE pods SET ip6 = 'fd00::2' WHERE uid = 'b'")).toThrow("UNIQUE");
});

test("RUNTIME version 5 gives no two pods the same ids", () => {
  using database = new Sqlite(":memory:");
  for (const migration of RUNTIME.migrations.slice(0, 5)) database.run(migration);
  const add = (uid: string, ids: number | null): unknown =>
    database.run("INSERT INTO pods (uid, service, pod, hash, wanted, cgroup, network, ip, phase, reason, message, created_at, sandbox_at, initialized_at, ready_at, ids) VALUES (?, 's', ?, '', 'running', '', 'none', '', '', '', '', 0, 0, 0, 0, ?)", [uid, JSON.stringify({ metadata: { namespace: "n", name: uid } }), ids]);
  for (const uid of ["a", "b"]) add(uid, null);
  add("c", 65536);
  expect(() => add("d", 65536)).toThrow("UNIQUE");
});

test("DURABLE and RUNTIME have a test of each migration here", () => {
  expect([DURABLE.migrations.length, RUNTIME.migrations.length]).toEqual([4, 5]);
});
