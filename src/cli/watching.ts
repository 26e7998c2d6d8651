/** Waiting for changes of the runtime state, without polling. */
import type { Context } from "./context.ts";

/**
 * Yields once at first, then after every change; changes that come while the consumer is busy count as one.
 * Ends when `signal` aborts. Watching begins before the first yield, so nothing between is missed.
 */
export async function* changes(context: Context, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<void> {
  const over = new AbortController();
  const { signal } = options;
  let changed = true;
  let wake = (): void => undefined;
  const notify = (): void => {
    changed = true;
    wake();
  };
  signal?.addEventListener("abort", notify);
  try {
    await context.engine.watch(notify, { signal: over.signal });
    while (signal?.aborted !== true) {
      if (changed) {
        changed = false;
        yield;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener("abort", notify);
    over.abort();
  }
}
