/** What a layer's own directory says of it, in `layer.json`. */
import { readFileSync, writeFileSync } from "node:fs";
import { unless } from "../base/errors.ts";
import { layerFiles } from "./layout.ts";
import type { Surveyed } from "./survey.ts";

export interface LayerFacts extends Partial<Surveyed> {
  readonly diffId: string;
  readonly size: number;
  /** 0 when it was not counted. */
  readonly entries: number;
}

/** The facts of the layer in `home`, undefined when there is none, or its facts are damaged. Layers of the first version have only digest and size. */
export function readFacts(home: string): LayerFacts | undefined {
  const text = unless("ENOENT", () => readFileSync(layerFiles(home).facts, "utf8"), undefined);
  if (text === undefined) return undefined;
  return parseFacts(text);
}

function parseFacts(text: string): LayerFacts | undefined {
  try {
    // Only `writeFacts` writes it, and the layer came to its place by rename; a disk that breaks leaves no JSON
    const { diffId, size, entries, archive, newest } = JSON.parse(text) as Partial<LayerFacts>;
    return diffId === undefined ? undefined : { diffId, size: size ?? 0, entries: entries ?? 0, ...(archive && { archive }), ...(newest && { newest }) };
  } catch {
    return undefined;
  }
}

/** Writes the facts of a layer in the making. */
export function writeFacts(home: string, { diffId, size, entries, archive, newest }: LayerFacts): void {
  writeFileSync(layerFiles(home).facts, JSON.stringify({ diffId, size, entries, archive, newest }));
}
