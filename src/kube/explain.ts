/** What wherry does with a field, by its path as kubectl explain takes it: `pod.spec.containers.livenessProbe`. */
import { fail } from "../base/errors.ts";
import { FIELDS } from "./generated/fields.ts";
import { KINDS } from "./objects.ts";
import { didYouMean } from "./suggest.ts";
import type { Row } from "./table/row.ts";
import { rowOf } from "./table/table.ts";

export interface ExplainedField {
  readonly name: string;
  /** `Probe`, `string`, `Container[]`, `string{}` */
  readonly type: string;
  /** `runs`, `none`, `refused`; `none` too below a field without effect. */
  readonly effect: Row["effect"];
  readonly what: string;
  /** The test that sees the effect; only for `runs`. */
  readonly test?: string;
}

export interface Explanation {
  readonly kind: string;
  /** Absent for a kind itself. */
  readonly field?: ExplainedField;
  /** Fields of it, in the order of the alphabet. */
  readonly fields: readonly ExplainedField[];
}

const NOTHING: Row = { effect: "none", what: "part of a field without effect" };

/** Explains a path. Kind `notFound`, with the nearest field as hint, when there is no such field. */
export function explain(path: string): Explanation {
  const [word = "", ...steps] = path.split(".");
  const kind = KINDS.find((known) => [known, `${known}s`, ...(SHORT[known] ?? [])].some((name) => name.toLowerCase() === word.toLowerCase()));
  if (kind === undefined) fail("notFound", `Cannot explain "${path}": "${word}" is not a kind that wherry plays`, { hint: didYouMean(word, KINDS) ?? `it plays ${KINDS.join(", ")}` });
  return follow({ kind, path, type: kind }, steps);
}

const SHORT: Readonly<Record<string, readonly string[]>> = { Pod: ["po"], ConfigMap: ["cm"], PersistentVolumeClaim: ["pvc"], PersistentVolume: ["pv"], Namespace: ["ns"] };

interface Place {
  readonly kind: string;
  /** As it was asked for. */
  readonly path: string;
  readonly type: string;
}

function follow({ kind, path, type: start }: Place, steps: readonly string[]): Explanation {
  let type = start;
  let idle = false;
  let field: ExplainedField | undefined;
  for (const step of steps) {
    const name = step.replace(/\[.*\]$/, "");
    const reference = FIELDS[type]?.[name];
    if (reference === undefined) fail("notFound", `Cannot explain "${path}": ${type} has no field "${name}"`, hinted(name, type));
    field = explained(type, name, idle);
    idle ||= field.effect === "none";
    type = bare(reference);
  }
  const fields = Object.keys(FIELDS[type] ?? {}).toSorted().map((name) => explained(type, name, idle));
  return { kind, ...(field === undefined ? {} : { field }), fields };
}

function hinted(name: string, type: string): { readonly hint?: string } {
  const hint = didYouMean(name, Object.keys(FIELDS[type] ?? {}));
  return hint === undefined ? {} : { hint };
}

const bare = (reference: string): string => reference.replace(/\[\]|\{\}/g, "");

function explained(type: string, name: string, idle: boolean): ExplainedField {
  const row = idle ? NOTHING : (rowOf(type, name) ?? NOTHING);
  return { name, type: FIELDS[type]?.[name] ?? "", effect: row.effect, what: row.what, ...(row.effect === "runs" ? { test: row.test } : {}) };
}

/** Every field from the kinds down, once for each type: what docs/kubernetes.md lists. */
export function everyField(): readonly { readonly type: string; readonly fields: readonly ExplainedField[] }[] {
  const seen = new Set<string>(KINDS);
  return [...function* () {
    for (const type of seen) {
      const fields = Object.keys(FIELDS[type] ?? {}).toSorted().map((name) => explained(type, name, false));
      yield { type, fields };
      for (const { type: reference, effect, what } of fields) {
        const closed = effect === "none" || (effect === "refused" && !what.startsWith("not yet: "));
        if (!closed && Object.hasOwn(FIELDS, bare(reference))) seen.add(bare(reference));
      }
    }
  }()];
}
