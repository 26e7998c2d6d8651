/** Opening a database: it is on the path of every command, so a file whose schema is there costs one read of it. */
import { Database as Sqlite } from "bun:sqlite";
import { closeSync, openSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf, unless } from "../base/errors.ts";
import { closeToOthers, ensureDirectory, syncDirectory } from "../base/files.ts";
import { Database } from "./database.ts";
import { databaseError, hasCode, unavailable } from "./failures.ts";
import type { Schema } from "./schema.ts";

export interface OpenOptions {
  readonly schema: Schema;
  readonly durable: boolean;
  readonly readonly: boolean;
}

/**
 * Opens the database at `path`; makes it (mode 0600, directories 0700) or migrates it when needed. Any number of
 * processes may do so at once. With `readonly`, a database that does not exist is an empty one, and nothing is made.
 * Fails with kind `unavailable` when the file is damaged, foreign, of a newer wherry, or not accessible.
 */
export function openDatabase(path: string, options: OpenOptions): Database {
  try {
    if (!options.readonly) return openToWrite(path, options);
    const exists = unless("ENOENT", () => statSync(path), undefined) !== undefined;
    return exists ? openToRead(path, options) : emptyDatabase(path, options);
  } catch (thrown) {
    throw databaseError(path, thrown);
  }
}

function openToWrite(path: string, { schema, durable }: OpenOptions): Database {
  makeFile(path, durable);
  keepPrivate(path);
  return orClose(new Database(new Sqlite(path, { readwrite: true, create: false }), { path, readonly: false }), (database) => {
    database.configure({ durable });
    if (!database.isCurrent(schema)) database.migrate(schema);
    database.useWal();
  });
}

/** A reader can neither migrate nor undo what a crash has left half-made; opening to write does both. */
function openToRead(path: string, options: OpenOptions): Database {
  const first = tryToRead(path, options);
  if (first !== undefined) return first;
  openToWrite(path, options)[Symbol.dispose]();
  const second = tryToRead(path, options);
  if (second === undefined) throw unavailable(path, "it is replaced while it is opened");
  return second;
}

/** Undefined when the database must first be opened to write. */
function tryToRead(path: string, { schema }: OpenOptions): Database | undefined {
  let readable = false;
  const reader = orClose(new Database(new Sqlite(path, { readonly: true }), { path, readonly: true }), (database) => {
    database.configure({ durable: false });
    readable = isReadable(database, schema);
  });
  if (readable) return reader;
  reader[Symbol.dispose]();
  return undefined;
}

function isReadable(database: Database, schema: Schema): boolean {
  try {
    return database.isCurrent(schema);
  } catch (thrown) {
    if (hasCode(thrown, "SQLITE_READONLY")) return false;
    throw thrown;
  }
}

/** Stands for a database that nobody has made yet. */
function emptyDatabase(path: string, { schema }: OpenOptions): Database {
  return orClose(new Database(new Sqlite(":memory:"), { path, readonly: true }), (database) => {
    database.configure({ durable: false });
    database.migrate(schema);
    database.forbidWriting();
  });
}

function orClose(database: Database, prepare: (database: Database) => void): Database {
  try {
    prepare(database);
    return database;
  } catch (thrown) {
    database[Symbol.dispose]();
    throw thrown;
  }
}

/** Whoever made directory and files, a package or a backup: they are their owner's alone. A directory of another name may be for others too. */
function keepPrivate(path: string): void {
  const directory = dirname(path);
  for (const each of [...(basename(directory) === "wherry" ? [directory] : []), path, `${path}-wal`, `${path}-shm`]) closeToOthers(each);
}

/**
 * Makes an empty file of mode 0600 (SQLite would make it readable for all) where there is none; SQLite gives the files
 * beside it the same mode. An existing one is never opened here: closing it would drop this process's locks on it (fcntl(2)).
 */
function makeFile(path: string, durable: boolean): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (thrown) {
    if (errnoOf(thrown) === "EEXIST") return;
    if (errnoOf(thrown) !== "ENOENT") throw thrown;
    ensureDirectory(dirname(path));
    return makeFile(path, durable);
  }
  if (!durable) return;
  syncDirectory(dirname(path));
  syncDirectory(dirname(dirname(path)));
}
