/** Bringing what has been written to the disk, once for all who ask at the same time. */
import { exec } from "../base/exec.ts";
import { LONG } from "./layout.ts";

interface Syncing {
  /** The one that runs: it may have begun before who asks now had written. */
  running: Promise<void>;
  /** The one that begins after it, for all who have asked since. */
  next: Promise<void> | undefined;
}

const syncing = new Map<string, Syncing>();

/** Resolves when everything that had been written to the filesystem of the store when it was called is on the disk (syncfs(2)). */
export function syncStore(directory: string): Promise<void> {
  const known = syncing.get(directory);
  if (known === undefined) return begin(directory);
  known.next ??= known.running.catch(() => undefined).then(() => begin(directory));
  return known.next;
}

function begin(directory: string): Promise<void> {
  const one: Syncing = { running: syncOnce(directory), next: undefined };
  syncing.set(directory, one);
  const over = (): void => {
    if (one.next === undefined && syncing.get(directory) === one) syncing.delete(directory);
  };
  one.running.then(over, over);
  return one.running;
}

const syncOnce = async (directory: string): Promise<void> => void (await exec(["sync", "--file-system", directory], { timeout: LONG }));
