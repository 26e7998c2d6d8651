/** What SQLite and the file system report, as errors of wherry that name the file and say what to do. (sqlite.org/rescode.html) */
import { SQLiteError } from "bun:sqlite";
import { type ErrorOptions, errnoOf, messageOf, WherryError } from "../base/errors.ts";

interface Failure {
  readonly is: string;
  readonly hint?: string;
}

const MOVE_AWAY = "move it and its -wal file away; the next command that writes makes a new one";

/** By primary result code; extended codes (`SQLITE_BUSY_SNAPSHOT`) belong to their primary one. */
const FAILURES: Readonly<Record<string, Failure>> = {
  SQLITE_BUSY: { is: "another process has kept it locked for too long" },
  SQLITE_CANTOPEN: { is: "it cannot be opened", hint: "check that the file and its directory are yours" },
  SQLITE_CORRUPT: { is: "it is damaged", hint: MOVE_AWAY },
  SQLITE_FULL: { is: "no space is left for it", hint: "free space on its filesystem" },
  SQLITE_IOERR: { is: "reading or writing it failed", hint: "check its filesystem (df, dmesg)" },
  SQLITE_NOTADB: { is: "it is not a database of wherry", hint: MOVE_AWAY },
  SQLITE_PERM: { is: "access is denied", hint: "check that the file and its directory are yours" },
  SQLITE_READONLY: { is: "it cannot be written", hint: "check the modes of the file, its directory and its filesystem" },
};

/** What `thrown` means for the database at `path`: kind `unavailable`, or `thrown` itself when it is a bug. */
export function databaseError(path: string, thrown: unknown): unknown {
  const failure = failureOf(thrown);
  if (failure === undefined) return thrown;
  return unavailable(path, failure.is, {
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    cause: thrown,
    context: { code: errnoOf(thrown), message: messageOf(thrown) },
  });
}

/** An error of kind `unavailable`, code `EDATABASE`, about the database at `path`. */
export function unavailable(path: string, is: string, options: ErrorOptions = {}): WherryError {
  return new WherryError("unavailable", `Cannot use database "${path}": ${is}`, {
    ...options,
    code: "EDATABASE",
    context: { ...options.context, path },
  });
}

/** True for an error made here from the primary result code `primary` or one of its extended codes. */
export function hasCode(thrown: unknown, primary: string): boolean {
  if (!(thrown instanceof WherryError)) return false;
  const { code } = thrown.context;
  return typeof code === "string" && primaryCode(code) === primary;
}

function failureOf(thrown: unknown): Failure | undefined {
  if (thrown instanceof SQLiteError) return FAILURES[primaryCode(errnoOf(thrown) ?? "")];
  // Errors of node:fs carry the system call besides the errno.
  return thrown instanceof Error && "syscall" in thrown ? { is: messageOf(thrown) } : undefined;
}

const primaryCode = (code: string): string => code.split("_").slice(0, 2).join("_");
