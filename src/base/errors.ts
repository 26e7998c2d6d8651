/**
 * The one error class of wherry. A plain `Error` means a bug and is the only thing printed with a stack.
 * Message grammar: action, object in quotes, colon, what is, what should be; no final period.
 */

/** What a caller may branch on. `src/main.ts` maps kinds to exit codes, in one place. */
export type ErrorKind =
  | "invalid" // the input is wrong; nothing was touched
  | "usage" // the command line is wrong; nothing was touched
  | "notFound"
  | "exists"
  | "conflict" // refused because of something else that exists
  | "unavailable" // a part of the host is missing or does not answer
  | "timeout"
  | "failed" // it was tried and did not succeed
  | "unsupported"; // understood, and not (yet) done by wherry

export interface ErrorOptions {
  /** Stable, for scripts: `EPODCONFLICT`. */
  readonly code?: string;
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Structured context: object, path, argv, exit status, stderr tail. */
  readonly context?: Readonly<Record<string, unknown>>;
}

export class WherryError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "WherryError";
    this.kind = kind;
    this.code = options.code ?? `E${kind.toUpperCase()}`;
    this.hint = options.hint;
    this.context = options.context ?? {};
  }
}

/** Throws a `WherryError`; usable as an expression. */
export function fail(kind: ErrorKind, message: string, options?: ErrorOptions): never {
  throw new WherryError(kind, message, options);
}

/** The sentence of any thrown value, for messages that wrap it. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name (`ENOENT`) of a system error, or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Runs `action`; if it fails with the errno given, returns `otherwise` instead. Everything else passes. */
export function unless<T, U>(errno: string, action: () => T, otherwise: U): T | U {
  try {
    return action();
  } catch (thrown) {
    if (errnoOf(thrown) === errno) return otherwise;
    throw thrown;
  }
}
