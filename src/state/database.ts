/** One open connection: statements prepared once, transactions, and errors that name the file. */
import type { Database as Sqlite, Statement } from "bun:sqlite";
import { utimesSync } from "node:fs";
import { WherryError } from "../base/errors.ts";
import type { SqlValue, Table } from "./columns.ts";
import { databaseError, hasCode, unavailable } from "./failures.ts";
import type { Schema } from "./schema.ts";

export interface DatabaseOptions {
  /** For error messages, and for the readers who watch it. */
  readonly path: string;
  readonly readonly: boolean;
}

/** Milliseconds that SQLite waits for another process's transaction; all of ours are far shorter. */
const BUSY_TIMEOUT = 5000;
/** KiB of page cache. A supervisor has little memory and the kernel has the pages anyway. */
const CACHE_KIB = 256;
/** Pages of 4 KiB after which a writer empties the WAL: the runtime database's WAL is memory. */
const CHECKPOINT_PAGES = 256;

/** How a transaction begins, ends well, and is undone. */
const WRITING = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"] as const;
const READING = ["BEGIN", "COMMIT", "ROLLBACK"] as const;
const NESTED = ["SAVEPOINT change", "RELEASE change", "ROLLBACK TO change; RELEASE change"] as const;

/** Every method fails with kind `unavailable` and the file's name when the file, its disk or its content is at fault. */
export class Database implements Disposable {
  readonly #sqlite: Sqlite;
  readonly #path: string;
  readonly #readonly: boolean;
  readonly #statements = new Map<string, Statement<unknown, SqlValue[]>>();
  #depth = 0;
  #changed = false;

  constructor(sqlite: Sqlite, options: DatabaseOptions) {
    this.#sqlite = sqlite;
    this.#path = options.path;
    this.#readonly = options.readonly;
  }

  /** To be called first. `durable`: commits are on disk when they return; otherwise they survive the process, not the host. */
  configure({ durable }: { readonly durable: boolean }): void {
    // The busy timeout comes first: every other statement may meet a lock.
    this.#script(`
      PRAGMA busy_timeout = ${BUSY_TIMEOUT};
      PRAGMA synchronous = ${durable ? "FULL" : "OFF"};
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA foreign_keys = ON;
      PRAGMA secure_delete = ${durable ? "ON" : "OFF"};
    `);
  }

  /** All rows of `SELECT … FROM table` with the clauses `rest`, as domain values. */
  select<T>(table: Table<T>, rest = "", values: readonly SqlValue[] = []): T[] {
    return this.#guard(() => this.#prepared(`${table.select} ${rest}`).all(...values).map(table.read));
  }

  /** The first row, or undefined. */
  selectOne<T>(table: Table<T>, rest = "", values: readonly SqlValue[] = []): T | undefined {
    return this.select(table, `${rest} LIMIT 1`, values)[0];
  }

  /** Changes rows, all or none. Returns how many. */
  run(sql: string, values: readonly SqlValue[] = []): number {
    const { changes } = this.#guard(() => this.#prepared(sql).run(...values));
    this.#changed ||= changes > 0;
    if (this.#depth === 0) this.#announce();
    return changes;
  }

  /** Changes fields of the rows that match; no change and no such row are both fine. Returns how many rows. */
  update<T>(table: Table<T>, change: Partial<NoInfer<T>>, { where, values }: { readonly where: string; readonly values: readonly SqlValue[] }): number {
    const changed = table.assignments(change);
    if (changed.set === "") return 0;
    return this.run(`UPDATE ${table.name} SET ${changed.set} WHERE ${where}`, [...changed.values, ...values]);
  }

  /**
   * Runs `body` as one transaction, rolled back when it throws: `BEGIN IMMEDIATE`, so that a writer never fails half-way
   * because another one was faster; a snapshot on a read-only connection. Inside another transaction it is a savepoint.
   */
  transaction<T>(body: () => T): T {
    const [begin, end, undo] = this.#depth > 0 ? NESTED : this.#readonly ? READING : WRITING;
    this.#execute(begin);
    this.#depth += 1;
    try {
      const result = body();
      if (result instanceof Promise) throw new Error("a transaction must not be asynchronous");
      this.#execute(end);
      return result;
    } catch (thrown) {
      // After some errors (disk full) SQLite has rolled everything back by itself.
      if (this.#sqlite.inTransaction) this.#script(undo);
      if (this.#depth === 1) this.#changed = false;
      throw thrown;
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#announce();
    }
  }

  /** True when the file is ours and its schema is the present one. */
  isCurrent(schema: Schema): boolean {
    return this.#pragma("user_version") === schema.migrations.length && this.#pragma("application_id") === schema.applicationId;
  }

  /** Brings the schema up to date. Fails with kind `unavailable` when the file is foreign or of a newer wherry. */
  migrate(schema: Schema): void {
    this.transaction(() => {
      const version = this.#versionOf(schema);
      for (const migration of schema.migrations.slice(version)) this.#script(migration);
      this.#script(`PRAGMA application_id = ${schema.applicationId}; PRAGMA user_version = ${schema.migrations.length}`);
    });
  }

  /**
   * Sets the file's journal mode, which lasts. SQLite does not wait here for a writer; a writer that is just making the
   * same database comes here after us, so the last of them succeeds, and all connections follow.
   */
  useWal(): void {
    try {
      this.#script("PRAGMA journal_mode = WAL");
    } catch (thrown) {
      if (!hasCode(thrown, "SQLITE_BUSY")) throw thrown;
    }
  }

  /** Every later change fails as on a read-only file. */
  forbidWriting(): void {
    this.#script("PRAGMA query_only = ON");
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#sqlite.close(true);
  }

  #versionOf(schema: Schema): number {
    const version = Number(this.#pragma("user_version"));
    const isOurs = this.#pragma("application_id") === schema.applicationId;
    if (!isOurs && !this.#isEmpty()) {
      throw unavailable(this.#path, "it is not a database of wherry, or not the one that belongs there", { hint: "move it away" });
    }
    const known = schema.migrations.length;
    if (version <= known) return version;
    throw unavailable(this.#path, `it has schema version ${version}, this wherry knows versions up to ${known}`, {
      hint: "use the wherry that wrote it, or a newer one",
    });
  }

  #pragma(name: string): unknown {
    return this.#guard(() => this.#prepared(`PRAGMA ${name}`).values()[0]?.[0]);
  }

  #isEmpty(): boolean {
    return this.#guard(() => this.#prepared("SELECT 1 FROM sqlite_schema LIMIT 1").get()) === null;
  }

  #prepared(sql: string): Statement<unknown, SqlValue[]> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare<unknown, SqlValue[]>(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #execute(sql: string): void {
    this.#guard(() => this.#prepared(sql).run());
  }

  /** Several statements, used once. */
  #script(sql: string): void {
    this.#guard(() => this.#sqlite.run(sql));
  }

  /**
   * Sets the file's time after a commit. inotify reports a WAL write before the commit is visible to readers; this it
   * reports after, so that a reader who is woken by it sees the change (`watch.ts`).
   */
  #announce(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const now = new Date();
    this.#guard(() => utimesSync(this.#path, now, now));
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (thrown) {
      if (thrown instanceof WherryError && thrown.kind === "invalid") throw unavailable(this.#path, thrown.message, { cause: thrown });
      throw databaseError(this.#path, thrown);
    }
  }
}
