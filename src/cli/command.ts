/**
 * What a command is. A command is one module that exports `command`; its row in `table.ts` names it. Help, parsing and
 * completion read the same declaration. A command returns what it found (`Outcome`); `print.ts` alone prints it.
 */
import type { Context } from "./context.ts";

export interface Option {
  /** `namespace` for `--namespace` */
  readonly long: string;
  readonly short?: string;
  /** Name of the value in help (`NAME`); an option without one is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeat?: boolean;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  readonly summary: string;
  /** Live names offered by completion. */
  readonly complete?: Completion;
}

export type Completion = "services" | "pods" | "containers" | "namespaces" | "images" | "volumes" | "kinds" | "files" | "pods-or-services" | "objects";

/** A positional argument, for usage checks and completion. */
export interface Word {
  readonly name: string;
  readonly optional?: boolean;
  readonly repeat?: boolean;
  readonly complete?: Completion;
}

/** A parsed command line. Asking for an option that the command does not declare is a bug. */
export interface Input {
  readonly words: readonly string[];
  /** What stood after `--`; undefined when there was none. */
  readonly rest: readonly string[] | undefined;
  flag(long: string): boolean;
  text(long: string): string | undefined;
  texts(long: string): readonly string[];
}

export interface Command {
  /** Further explanation in help, after the summary. */
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly options: readonly Option[];
  readonly words: readonly Word[];
  /** `-- COMMAND…` is kept apart as `Input.rest`; otherwise it is more words. */
  readonly passthrough?: boolean;
  run(context: Context, input: Input): Promise<Outcome> | Outcome;
}

/** A row of the command table. `name` is one word or two (`image ls`). */
export interface Row {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly group: "services" | "objects" | "images" | "volumes" | "other" | "hidden";
  /** It touches what is in the user's namespaces: an ordinary user's goes there first. `scope`: it may also put processes into the pods' cgroups. */
  readonly enters?: true | "scope";
  readonly load: () => Promise<Command>;
}

export interface Column {
  readonly header: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
}

/** A table that is also a value. */
export interface Listing {
  readonly columns: readonly Column[];
  readonly rows: readonly { readonly cells: readonly string[]; /** `pod/web`, for `-o name` */ readonly name: string }[];
  /** What `-o json` and `-o yaml` print. */
  readonly value: () => unknown;
  /** Lines are not cut at the terminal's edge. */
  readonly whole?: boolean;
  /** Said on stderr in place of an empty table. */
  readonly empty?: string;
}

export type Outcome = { /** 0 when absent */ readonly exitCode?: number } & (
  | { readonly kind: "none" }
  /** Lines for people. */
  | { readonly kind: "text"; readonly text: string }
  /** A value printed as JSON, or YAML with `-o yaml`. */
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "listing"; readonly listings: readonly Listing[] }
  /** Tables that follow each other: each in place of the last one on a terminal (`redraw`), or below it without header. */
  | { readonly kind: "watch"; readonly frames: AsyncIterable<Listing>; readonly redraw: boolean }
  /** Bytes as they come. */
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<string | Uint8Array> }
);
