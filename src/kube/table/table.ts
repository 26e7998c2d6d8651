/** The one table of what wherry does with each field: checks, `wherry explain` and docs/kubernetes.md are made from it. */
import { CONTAINER } from "./container.ts";
import { META } from "./meta.ts";
import { POD } from "./pod.ts";
import type { Row, Rows } from "./row.ts";
import { VOLUME } from "./volume.ts";

export const TABLE: Readonly<Record<string, Rows>> = { ...META, ...POD, ...CONTAINER, ...VOLUME };

/** The row of a field; undefined for a type that is only reached through fields without effect. */
export const rowOf = (type: string, field: string): Row | undefined => TABLE[type]?.[field];
