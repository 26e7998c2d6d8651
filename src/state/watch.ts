/** Wakes a reader when another process has written, by inotify(7): `ps --watch`, `events -w` and `wait` need no daemon. */
import { watch as watchFiles } from "node:fs";
import { basename, dirname } from "node:path";
import { messageOf } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { unavailable } from "./failures.ts";

/**
 * Calls `onChange` after every commit to the database at `path` by any process (this one too), once for all that happen
 * within one turn of the event loop, until `signal` aborts. It may also be called without a change. The database need
 * not exist yet, and its WAL may come and go: the directory is watched, and made when missing. Watch first, then read;
 * a state that was opened read-only while there was no database has to be opened again.
 * Fails with kind `unavailable` when the kernel refuses the watch (`fs.inotify.max_user_watches`).
 */
export function watch(path: string, onChange: () => void, { signal }: { readonly signal: AbortSignal }): void {
  const call = oncePerTurn(onChange, signal);
  // The database's own time is set after each commit. The WAL is looked at for a writer that is killed before that.
  const names = [basename(path), `${basename(path)}-wal`];
  try {
    ensureDirectory(dirname(path));
    watchFiles(dirname(path), { signal }, (_, name) => {
      if (name === null || names.includes(name)) call();
    });
  } catch (cause) {
    throw unavailable(path, `it cannot be watched: ${messageOf(cause)}`, { cause });
  }
}

function oncePerTurn(action: () => void, signal: AbortSignal): () => void {
  let pending = false;
  return () => {
    if (pending) return;
    pending = true;
    setImmediate(() => {
      pending = false;
      if (!signal.aborted) action();
    });
  };
}
