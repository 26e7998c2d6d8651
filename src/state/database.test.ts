import { expect, test } from "bun:test";
import { statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { plain, table } from "./columns.ts";
import { temporaryDirectory } from "./fixtures.ts";
import { openDatabase } from "./open.ts";
import { string } from "./shapes.ts";

const SCHEMA = { applicationId: 7, migrations: ["CREATE TABLE a (x TEXT PRIMARY KEY) STRICT"] };
const A = table<{ readonly x: string }>("a", { x: plain("x", string) });

function opened() {
  const directory = temporaryDirectory();
  const path = join(directory.path, "x.db");
  const database = openDatabase(path, { schema: SCHEMA, durable: false, readonly: false });
  return {
    path,
    database,
    insert: (x: string) => database.run(A.insert, [x]),
    all: () => database.select(A, "ORDER BY x").map(({ x }) => x),
    [Symbol.dispose]() {
      database[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

test("Database.transaction() keeps all changes, or none when it throws", () => {
  using it = opened();
  expect(it.database.transaction(() => it.insert("kept"))).toBe(1);
  expect(() => it.database.transaction(() => {
    it.insert("lost");
    throw new RangeError("stop");
  })).toThrow(RangeError);
  expect(it.all()).toEqual(["kept"]);
});

test("Database.transaction() undoes an inner one alone when the outer one goes on", () => {
  using it = opened();
  it.database.transaction(() => {
    it.insert("outer");
    expect(() => it.database.transaction(() => {
      it.insert("inner");
      it.insert("outer");
    })).toThrow("UNIQUE");
    it.insert("after");
  });
  expect(it.all()).toEqual(["after", "outer"]);
});

test("Database.transaction() refuses an asynchronous body", () => {
  using it = opened();
  expect(() => it.database.transaction(async () => it.insert("x"))).toThrow("must not be asynchronous");
  expect(it.all()).toEqual([]);
});

test("Database.transaction() of a reader sees one moment", () => {
  using it = opened();
  using reader = openDatabase(it.path, { schema: SCHEMA, durable: false, readonly: true });
  reader.transaction(() => {
    expect(reader.select(A)).toEqual([]);
    it.insert("later");
    expect(reader.select(A)).toEqual([]);
  });
  expect(reader.select(A)).toEqual([{ x: "later" }]);
});

test("Database sets the time of its file after a change, and only then", () => {
  using it = opened();
  const changes = (action: () => unknown): boolean => {
    utimesSync(it.path, 1, 1);
    action();
    return statSync(it.path).mtimeMs !== 1000;
  };
  expect(changes(() => it.insert("x"))).toBe(true);
  expect(changes(() => it.database.transaction(() => it.insert("y")))).toBe(true);
  expect(changes(() => it.all())).toBe(false);
  expect(changes(() => it.database.run("DELETE FROM a WHERE x = 'absent'"))).toBe(false);
  expect(changes(() => it.database.transaction(() => it.all()))).toBe(false);
});

test("Database.update() changes nothing when no field is given", () => {
  using it = opened();
  it.insert("x");
  expect(it.database.update(A, {}, { where: "x = ?", values: ["x"] })).toBe(0);
  expect(it.database.update(A, { x: "y" }, { where: "x = ?", values: ["x"] })).toBe(1);
  expect(it.all()).toEqual(["y"]);
});
