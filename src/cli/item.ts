/** Objects as `get` shows them. */
import type { Column } from "./command.ts";
import type { Context } from "./context.ts";

/** One object, ready to be printed. */
export interface Item {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cells: readonly string[];
  /** The Kubernetes object. */
  readonly object: () => unknown;
}

/** How a kind is read and shown. The columns leave the namespace out. */
export interface Kind {
  readonly columns: readonly Column[];
  /** Its objects are in no namespace. */
  readonly clustered?: true;
  /** All objects in a namespace, or in all; ordered by namespace and name. */
  read(context: Context, filter: { readonly namespace: string | undefined }): Promise<readonly Item[]>;
}

/** Orders by namespace, then name. */
export const byName = (one: Item, other: Item): number => compare(one.namespace, other.namespace) || compare(one.name, other.name);
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
