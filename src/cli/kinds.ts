/** The kinds that `get` knows. A new kind is one module in `kinds/` and one row here. */
import { fail } from "../base/errors.ts";
import type { Kind } from "./item.ts";
import { didYouMean } from "./suggest.ts";

export interface KindRow {
  readonly singular: string;
  readonly plural: string;
  readonly short: readonly string[];
  readonly load: () => Promise<Kind>;
}

export const KINDS: readonly KindRow[] = [
  { singular: "pod", plural: "pods", short: ["po"], load: async () => (await import("./kinds/pods.ts")).kind },
  { singular: "configmap", plural: "configmaps", short: ["cm"], load: async () => (await import("./kinds/configMaps.ts")).kind },
  { singular: "secret", plural: "secrets", short: [], load: async () => (await import("./kinds/secrets.ts")).kind },
  { singular: "persistentvolumeclaim", plural: "persistentvolumeclaims", short: ["pvc"], load: async () => (await import("./kinds/claims.ts")).kind },
  { singular: "persistentvolume", plural: "persistentvolumes", short: ["pv"], load: async () => (await import("./kinds/persistentVolumes.ts")).kind },
  { singular: "namespace", plural: "namespaces", short: ["ns"], load: async () => (await import("./kinds/namespaces.ts")).kind },
  { singular: "event", plural: "events", short: ["ev"], load: async () => (await import("./kinds/events.ts")).kind },
];

/** The kind of a word such as `po`, `Pods` or `configmap`. Fails with kind `usage`. */
export function kindNamed(word: string): KindRow {
  const lower = word.toLowerCase();
  const found = KINDS.find((row) => row.singular === lower || row.plural === lower || row.short.includes(lower));
  if (found !== undefined) return found;
  const known = KINDS.flatMap((row) => [row.plural, row.singular]);
  fail("usage", `Cannot show "${word}": it is no kind of object`, { hint: didYouMean(lower, known).hint ?? `kinds are: ${KINDS.map((row) => row.plural).join(", ")}` });
}

/** What `KIND[,KIND…] [NAME…]` and `KIND/NAME…` ask for. */
export interface Asked {
  readonly row: KindRow;
  /** Empty: all. */
  readonly names: readonly string[];
}

/** Reads kubectl's resource arguments. Fails with kind `usage`. */
export function parseAsked(words: readonly string[]): readonly Asked[] {
  const [first = "", ...names] = words;
  if (!first.includes("/")) return [...new Set(first.split(",").map(kindNamed))].map((row) => ({ row, names }));
  const pairs = words.map((word) => {
    const [kind = "", name = ""] = word.split("/");
    if (name === "") fail("usage", `Cannot use "${word}": all words must be KIND/NAME when the first one is`);
    return { row: kindNamed(kind), name };
  });
  return [...Map.groupBy(pairs, (pair) => pair.row)].map(([row, own]) => ({ row, names: own.map((pair) => pair.name) }));
}
