/** `run.db`: what is there now. On tmpfs, so commits need not reach a disk. */
import type { StateOptions } from "./durable.ts";
import { containers } from "./containers.ts";
import { events } from "./events.ts";
import { openDatabase } from "./open.ts";
import { pods } from "./pods.ts";
import { runs } from "./runs.ts";
import { RUNTIME } from "./schema.ts";
import type { RuntimeState } from "./state.ts";

/** Opens the runtime state. Fails with kind `unavailable` when the file is damaged, foreign, of a newer wherry, or not accessible. */
export function openRuntime(path: string, options: StateOptions = {}): RuntimeState {
  const database = openDatabase(path, { schema: RUNTIME, durable: false, readonly: options.readonly === true });
  return {
    ...runs(database),
    ...pods(database),
    ...containers(database),
    ...events(database),
    transaction: (change) => database.transaction(change),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}
