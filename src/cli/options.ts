/** Options that several commands share, so that they mean the same everywhere. */
import { fail } from "../base/errors.ts";
import { LOG_LEVELS } from "./context.ts";
import type { Option } from "./command.ts";

export const NAMESPACE: Option = { long: "namespace", short: "n", value: "NAMESPACE", summary: "namespace of the objects (default)", complete: "namespaces" };
export const ALL_NAMESPACES: Option = { long: "all-namespaces", short: "A", summary: "objects of all namespaces" };
export const SELECTOR: Option = { long: "selector", short: "l", value: "SELECTOR", summary: "only objects with these labels: a=b, a!=b, a in (b,c), a notin (b), a, !a" };
export const WATCH: Option = { long: "watch", short: "w", summary: "go on and show changes as they happen" };
export const CONTAINER: Option = { long: "container", short: "c", value: "NAME", summary: "container of the pod", complete: "containers" };
export const TIMEOUT: Option = { long: "timeout", value: "DURATION", summary: "give up after this long (30s)" };

/** `-o` with the formats that a command has. */
export const output = (...choices: readonly string[]): Option => ({ long: "output", short: "o", value: "FORMAT", choices, summary: `output format: ${choices.join(", ")}` });

/** Options of every command. */
export const GLOBAL: readonly Option[] = [
  { long: "root", value: "DIR", summary: "directory of the durable state", complete: "files" },
  { long: "runroot", value: "DIR", summary: "directory of the runtime state", complete: "files" },
  { long: "log-level", value: "LEVEL", choices: LOG_LEVELS, summary: `how much is logged: ${LOG_LEVELS.join(", ")}` },
  { long: "no-color", summary: "no colours" },
  { long: "help", short: "h", summary: "show this help" },
];

/** The namespace asked for: undefined with `-A`. */
export function namespaceOf(input: { flag(long: string): boolean; text(long: string): string | undefined }, options: { readonly all: boolean }): string | undefined {
  return options.all && input.flag("all-namespaces") ? undefined : (input.text("namespace") ?? "default");
}

/** Seconds that pods get to end, in place of their own terminationGracePeriodSeconds. */
export const GRACE: Option = { long: "grace-period", short: "t", value: "SECONDS", summary: "seconds to end, in place of the pods' own grace period; 0 kills at once" };

/** The value of `GRACE`, undefined when it was not given. Fails with kind `usage`. */
export function gracePeriod(input: { text(long: string): string | undefined }): number | undefined {
  const text = input.text("grace-period");
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) fail("usage", `Cannot use "${text}" as grace period: it must be a number of seconds`);
  return Number(text);
}
