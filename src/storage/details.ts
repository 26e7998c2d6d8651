/** What an image's configuration blob says beyond what containers need: for people who ask. */
import { readFileSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { parseJson, record, string } from "./imageConfig.ts";
import { configFile } from "./layout.ts";

/** One step of an image's making, lowest first (image-spec config.md, "history"). */
export interface HistoryEntry {
  /** ms since the epoch; 0 when it is not told */
  readonly created: number;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  /** diff ID of the layer that it added; undefined when it changed the configuration only. */
  readonly layer?: string;
}

export interface ImageDetails {
  readonly architecture: string;
  readonly os: string;
  readonly variant: string;
  readonly author: string;
  readonly history: readonly HistoryEntry[];
}

/** The configuration blob of an image, byte for byte. Kind `notFound` when the store has lost it. */
export function readConfigBlob(directory: string, id: string): Buffer {
  const blob = unless("ENOENT", () => readFileSync(configFile(directory, id)), undefined);
  return blob ?? fail("notFound", `Cannot read the configuration of image "${id}": its file is missing`, { hint: "wherry system check finds what is damaged" });
}

/** The details of an image in the store's directory. Kinds `notFound` and `invalid`. */
export function imageDetails(directory: string, image: { readonly id: string; readonly layers: readonly string[] }): ImageDetails {
  return parseDetails(readConfigBlob(directory, image.id).toString(), image.layers);
}

/** `imageDetails` of the blob's text. Pure. */
export function parseDetails(text: string, layers: readonly string[]): ImageDetails {
  const root = record(parseJson(text), "it");
  return {
    architecture: string(root["architecture"], "architecture"),
    os: string(root["os"], "os"),
    variant: string(root["variant"], "variant"),
    author: string(root["author"], "author"),
    history: historyOf(root["history"], layers),
  };
}

/** Layers that the history does not account for are at the end, so that every one is told. */
function historyOf(value: unknown, layers: readonly string[]): readonly HistoryEntry[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  let next = 0;
  const told = entries.map((each): HistoryEntry => {
    const fields = record(each, "history");
    const layer = fields["empty_layer"] === true ? undefined : layers[next++];
    const created = Date.parse(string(fields["created"], "history.created"));
    return {
      created: Number.isNaN(created) ? 0 : created,
      createdBy: string(fields["created_by"], "history.created_by"),
      author: string(fields["author"], "history.author"),
      comment: string(fields["comment"], "history.comment"),
      ...(layer === undefined ? {} : { layer }),
    };
  });
  return [...told, ...layers.slice(next).map((layer) => ({ created: 0, createdBy: "", author: "", comment: "", layer }))];
}
