import { Database as Sqlite } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WherryError } from "../base/errors.ts";
import { serviceRecord, temporaryDirectory } from "./fixtures.ts";
import { openDurable, openRuntime } from "./mod.ts";
import { openDatabase } from "./open.ts";
import { DURABLE, type Schema } from "./schema.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** Runs `script` in `count` processes at once, given the path as argv; returns their standard error. */
async function inProcesses(count: number, script: string, path: string): Promise<readonly string[]> {
  const children = Array.from({ length: count }, () =>
    Bun.spawn([process.execPath, "-e", script, path], { cwd: import.meta.dir, stderr: "pipe", stdout: "ignore" }));
  return Promise.all(children.map(async (child) => {
    const [text, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    return `${status}${text}`;
  }));
}

function errorOf(action: () => unknown): WherryError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof WherryError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

test("openDurable() takes from others what somebody else's tool has given them", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "wherry/wherry.db");
  openDurable(path)[Symbol.dispose]();
  chmodSync(join(directory.path, "wherry"), 0o755);
  chmodSync(path, 0o644);
  openDurable(path, { readonly: true })[Symbol.dispose]();
  expect(modeOf(path)).toBe(0o644);
  openDurable(path)[Symbol.dispose]();
  expect([modeOf(path), modeOf(join(directory.path, "wherry"))]).toEqual([0o600, 0o700]);
});

test("openDurable() makes files for the owner alone", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "lib/wherry/wherry.db");
  using state = openDurable(path);
  state.putService(serviceRecord(), []);
  expect(modeOf(join(directory.path, "lib/wherry"))).toBe(0o700);
  for (const name of ["wherry.db", "wherry.db-wal", "wherry.db-shm"]) expect(modeOf(join(directory.path, "lib/wherry", name))).toBe(0o600);
});

test("openDurable() and openRuntime() read-only answer for a database that does not exist, and make nothing", () => {
  using directory = temporaryDirectory();
  using durable = openDurable(join(directory.path, "a/wherry.db"), { readonly: true });
  using runtime = openRuntime(join(directory.path, "a/run.db"), { readonly: true });
  expect([durable.services(), durable.objects(), durable.images.images(), durable.service("shop")]).toEqual([[], [], [], undefined]);
  expect([runtime.runs(), runtime.pods(), runtime.containers(), runtime.events(), runtime.run("shop")]).toEqual([[], [], [], [], undefined]);
  expect(() => durable.removeService("shop")).toThrow("it cannot be written");
  expect(readdirSync(directory.path)).toEqual([]);
});

test("openDurable() read-only refuses to write into an existing database", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "wherry.db");
  openDurable(path)[Symbol.dispose]();
  using state = openDurable(path, { readonly: true });
  expect(errorOf(() => state.putService(serviceRecord(), []))).toMatchObject({ kind: "unavailable", code: "EDATABASE" });
  expect(state.services()).toEqual([]);
});

test.each(["openDurable", "openRuntime"])("%s() is safe when ten processes make the database at once", async (open) => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "new/x.db");
  const change = open === "openDurable" ? 'state.putService(serviceRecord(`s-${process.pid}`, 1), [])' : "state.addEvent(newEvent(), 1)";
  const script = `
    import { ${open} } from "./mod.ts";
    import { newEvent, serviceRecord } from "./fixtures.ts";
    using state = ${open}(process.argv.at(-1));
    for (let n = 0; n < 5; n++) ${change};
  `;
  expect(await inProcesses(10, script, path)).toEqual(Array.from({ length: 10 }, () => "0"));
  if (open === "openRuntime") {
    using state = openRuntime(path, { readonly: true });
    expect(state.events()).toMatchObject([{ sequence: 50, count: 50 }]);
  } else {
    using state = openDurable(path, { readonly: true });
    expect(state.services()).toHaveLength(10);
  }
  using raw = new Sqlite(path);
  expect(raw.prepare("PRAGMA journal_mode").values()).toEqual([["wal"]]);
  expect(raw.prepare("PRAGMA integrity_check").values()).toEqual([["ok"]]);
}, 60_000);

test("openDatabase() keeps what a writer had committed when it was killed, for readers and writers", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "run.db");
  const script = `
    import { openRuntime } from "./mod.ts";
    import { serviceRun } from "./fixtures.ts";
    const state = openRuntime(process.argv.at(-1));
    state.putRun(serviceRun("kept"));
    state.transaction(() => { state.putRun(serviceRun("lost")); process.kill(process.pid, "SIGKILL"); });
  `;
  await inProcesses(1, script, path);
  for (const readonly of [true, false]) {
    using state = openRuntime(path, { readonly });
    expect(state.runs().map((run) => run.service as string)).toEqual(["kept"]);
  }
});

test("openDatabase() finishes a database that a crash left empty, also for a reader", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "wherry.db");
  writeFileSync(path, "");
  using state = openDurable(path, { readonly: true });
  expect(state.services()).toEqual([]);
});

const OLD: Schema = { applicationId: 7, migrations: ["CREATE TABLE a (x TEXT) STRICT"] };
const NEW: Schema = { applicationId: 7, migrations: [...OLD.migrations, "ALTER TABLE a ADD COLUMN y TEXT"] };

test.each([true, false])("openDatabase() migrates an older schema and keeps its rows (readonly %p)", (readonly) => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "x.db");
  {
    using old = openDatabase(path, { schema: OLD, durable: true, readonly: false });
    old.run("INSERT INTO a VALUES ('kept')");
  }
  openDatabase(path, { schema: NEW, durable: true, readonly })[Symbol.dispose]();
  using raw = new Sqlite(path);
  expect(raw.prepare("SELECT x, y FROM a").values()).toEqual([["kept", null]]);
  expect(raw.prepare("PRAGMA user_version").values()).toEqual([[2]]);
});

test("openDatabase() undoes a migration that fails", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "x.db");
  openDatabase(path, { schema: OLD, durable: true, readonly: false })[Symbol.dispose]();
  const bad: Schema = { ...NEW, migrations: [...NEW.migrations, "CREATE TABLE a (again TEXT)"] };
  expect(() => openDatabase(path, { schema: bad, durable: true, readonly: false })).toThrow("already exists");
  using raw = new Sqlite(path);
  expect(raw.prepare("PRAGMA user_version").values()).toEqual([[1]]);
});

test.each([true, false])("openDatabase() refuses a newer schema clearly (readonly %p)", (readonly) => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "x.db");
  openDatabase(path, { schema: NEW, durable: true, readonly: false })[Symbol.dispose]();
  const error = errorOf(() => openDatabase(path, { schema: OLD, durable: true, readonly }));
  expect(error).toMatchObject({ kind: "unavailable", hint: "use the wherry that wrote it, or a newer one" });
  expect(error.message).toBe(`Cannot use database "${path}": it has schema version 2, this wherry knows versions up to 1`);
});

test.each([true, false])("openDatabase() refuses a foreign database and leaves it as it is (readonly %p)", (readonly) => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "x.db");
  {
    using foreign = new Sqlite(path);
    foreign.run("CREATE TABLE theirs (x)");
  }
  const error = errorOf(() => openDatabase(path, { schema: DURABLE, durable: true, readonly }));
  expect(error).toMatchObject({ kind: "unavailable", hint: "move it away" });
  using raw = new Sqlite(path);
  expect(raw.prepare("SELECT name FROM sqlite_schema").values()).toEqual([["theirs"]]);
});

test("openRuntime() refuses the durable database", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "wherry.db");
  openDurable(path)[Symbol.dispose]();
  expect(() => openRuntime(path)).toThrow("not the one that belongs there");
});

test.each([true, false])("openDurable() names the file that is no database (readonly %p)", (readonly) => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "wherry.db");
  writeFileSync(path, "not a database at all, ".repeat(200));
  const error = errorOf(() => openDurable(path, { readonly }));
  expect(error).toMatchObject({ kind: "unavailable", context: { path, code: "SQLITE_NOTADB" } });
  expect(error.message).toBe(`Cannot use database "${path}": it is not a database of wherry`);
  expect(error.hint).toContain("move it and its -wal file away");
});

test("openDurable() names the file when its directory cannot be made", () => {
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, "file"), "");
  for (const readonly of [true, false]) {
    const path = join(directory.path, "file/wherry.db");
    expect(errorOf(() => openDurable(path, { readonly }))).toMatchObject({ kind: "unavailable", context: { path } });
  }
});

test("openRuntime() writes nothing when the schema exists", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "run.db");
  using _held = openRuntime(path);
  const written = (): readonly string[] => [path, `${path}-wal`].map((file) => (existsSync(file) ? Bun.hash(readFileSync(file)).toString() : ""));
  const before = written();
  for (const readonly of [true, false]) openRuntime(path, { readonly })[Symbol.dispose]();
  expect(written()).toEqual(before);
});
