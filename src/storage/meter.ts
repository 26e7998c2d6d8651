/** How much of each blob has come: looked up in the temporary files of skopeo, which does not say it itself. */
import { readdirSync, statSync, type Stats } from "node:fs";
import { unless } from "../base/errors.ts";
import type { Blob, StoreProgress } from "./storage.ts";

const EVERY = 100;

interface Meter {
  readonly expected: readonly Blob[];
  readonly progress: (progress: StoreProgress) => void;
}

/**
 * Tells every 100 ms, until disposed of, how many bytes of the expected blobs are in the directory. A file on its way
 * does not say which blob it is: it is taken for the first one that is missing and not smaller, in the order in which
 * skopeo starts them, until it has arrived under its own name.
 */
export function meterDownloads(directory: string, { expected, progress }: Meter): Disposable {
  const told = new Map<string, number>();
  const guesses = new Map<number, string>();
  const look = (): void => {
    const files = filesIn(directory);
    const whole = new Set(files.filter(({ name }) => HEX.test(name)).map(({ name }) => `sha256:${name}`));
    for (const { digest, bytes } of [...arriving(files, { expected, whole, guesses }), ...expected.filter(({ digest }) => whole.has(digest)).map(({ digest, size }) => ({ digest, bytes: size }))]) {
      if (told.get(digest) === bytes) continue;
      told.set(digest, bytes);
      progress({ step: "download", blob: digest, bytes });
    }
  };
  const timer = setInterval(look, EVERY);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const HEX = /^[0-9a-f]{64}$/;

interface File {
  readonly name: string;
  readonly stats: Stats;
}

function filesIn(directory: string): readonly File[] {
  return unless("ENOENT", () => readdirSync(directory), []).flatMap((name) => {
    const stats = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ name, stats }];
  });
}

interface Known {
  readonly expected: readonly Blob[];
  readonly whole: ReadonlySet<string>;
  /** Inode → digest. */
  readonly guesses: Map<number, string>;
}

function arriving(files: readonly File[], { expected, whole, guesses }: Known): readonly { readonly digest: string; readonly bytes: number }[] {
  const partial = files.filter(({ name }) => name.startsWith("dir-put-blob")).toSorted((a, b) => a.stats.birthtimeMs - b.stats.birthtimeMs);
  const taken = new Set<string>();
  return partial.flatMap(({ stats }) => {
    const fits = ({ digest, size }: Blob): boolean => !whole.has(digest) && !taken.has(digest) && size >= stats.size;
    const guess = expected.find((blob) => blob.digest === guesses.get(stats.ino) && fits(blob)) ?? expected.find(fits);
    if (guess === undefined) return [];
    guesses.set(stats.ino, guess.digest);
    taken.add(guess.digest);
    return [{ digest: guess.digest, bytes: stats.size }];
  });
}
