/** What the process that fetches an image says, one JSON object per line: how far it is, and last how it ended. Pure. */
import type { ErrorKind } from "../base/errors.ts";
import { WherryError } from "../base/errors.ts";
import { integer, object, oneOf, string, within } from "../state/shapes.ts";
import type { StoreProgress } from "../storage/storage.ts";

/** Bytes of an image's missing layers that have been fetched and unpacked, and how many there are; 0 while that is unknown. */
export interface PullProgress {
  readonly bytes: number;
  readonly total: number;
}

export interface FetchFailure {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly transient: boolean;
}

export type FetchLine =
  | { readonly progress: PullProgress }
  | { readonly image: { readonly id: string; readonly name: string }; readonly changed: boolean }
  | { readonly error: FetchFailure };

export const encodeFetchLine = (line: FetchLine): string => `${JSON.stringify(line)}\n`;

const KINDS: readonly ErrorKind[] = ["invalid", "usage", "notFound", "exists", "conflict", "unavailable", "timeout", "failed", "unsupported"];

/** Fails with kind `invalid`. */
export function parseFetchLine(text: string): FetchLine {
  const line = object(JSON.parse(text));
  if ("progress" in line) {
    const { bytes, total } = object(line["progress"]);
    return { progress: { bytes: within("bytes", () => integer(bytes)), total: within("total", () => integer(total)) } };
  }
  if ("image" in line) {
    const { id, name } = object(line["image"]);
    return { image: { id: within("id", () => string(id)), name: within("name", () => string(name)) }, changed: line["changed"] === true };
  }
  const { kind, code, message, hint, transient } = object(line["error"]);
  return { error: { kind: oneOf(KINDS)(kind), code: string(code), message: string(message), ...(hint === undefined ? {} : { hint: string(hint) }), transient: transient === true } };
}

/** A bug is no reason to try again. */
export function failureOf(thrown: unknown): FetchFailure {
  if (!(thrown instanceof WherryError)) return { kind: "failed", code: "EBUG", message: thrown instanceof Error ? thrown.message : String(thrown), transient: false };
  const { kind, code, message, hint, context } = thrown;
  return { kind, code, message, ...(hint === undefined ? {} : { hint }), transient: context["transient"] === true };
}

export const errorOf = ({ kind, code, message, hint, transient }: FetchFailure): WherryError =>
  new WherryError(kind, message, { code, context: { transient }, ...(hint === undefined ? {} : { hint }) });

/** Adds up what the store tells of single layers; each call returns how far the whole has come. */
export function pullMeter(): (step: StoreProgress) => PullProgress {
  const layers = new Map<string, { size: number; fetched: number; unpacked: number }>();
  const layerOf = (blob: string): { size: number; fetched: number; unpacked: number } => {
    const known = layers.get(blob) ?? { size: 0, fetched: 0, unpacked: 0 };
    layers.set(blob, known);
    return known;
  };
  return (step) => {
    if (step.step === "layers") for (const { blob, size, present } of step.layers) if (!present) layerOf(blob).size = size;
    if (step.step === "download") layerOf(step.blob).fetched = step.bytes;
    if (step.step === "unpack") layerOf(step.blob).unpacked = step.bytes;
    const done = step.step === "layer" ? layers.get(step.blob) : undefined;
    if (done !== undefined) done.fetched = done.unpacked = done.size;
    const all = [...layers.values()];
    const sum = (of: (layer: { size: number; fetched: number; unpacked: number }) => number): number => all.reduce((total, each) => total + of(each), 0);
    const total = sum(({ size }) => size);
    return { bytes: Math.round(sum(({ size, fetched, unpacked }) => Math.min(fetched, size || fetched) + Math.min(unpacked, size || unpacked)) / 2), total };
  };
}
