/** How far the images of one command are: a value that grows with every `StoreProgress`. Pure. */
import type { StoreProgress } from "../../storage/storage.ts";

export type LayerState = "waiting" | "downloading" | "unpacking" | "present" | "done";

export interface LayerProgress {
  /** The digest by which the store calls it. */
  readonly blob: string;
  /** Bytes of the blob; 0 while it is not known. */
  readonly size: number;
  readonly state: LayerState;
  /** Bytes that have come, or, while it is unpacked, that have been unpacked. */
  readonly bytes: number;
}

export interface ImageProgress {
  /** As the user calls it. */
  readonly name: string;
  /** Where it is read from; empty before that is known. */
  readonly source: string;
  /** Lowest first; none while the manifest is not known. */
  readonly layers: readonly LayerProgress[];
  readonly warnings: readonly string[];
}

/** An image before anything has happened. */
export const begun = (name: string): ImageProgress => ({ name, source: "", layers: [], warnings: [] });

/** Nothing more will happen to this layer. */
export const isOver = ({ state }: LayerProgress): boolean => state === "present" || state === "done";

/** The image after one more step. */
export function advance(image: ImageProgress, progress: StoreProgress): ImageProgress {
  switch (progress.step) {
    case "read":
      return { ...image, source: progress.source };
    case "layers":
      return { ...image, layers: progress.layers.map((layer) => announced(image, layer)) };
    case "download":
      return withLayer(image, progress.blob, (layer) => (layer.state === "unpacking" || isOver(layer) ? layer : { ...layer, state: "downloading", bytes: progress.bytes }));
    case "unpack":
      return withLayer(image, progress.blob, (layer) => (isOver(layer) ? layer : { ...layer, state: "unpacking", bytes: progress.bytes }));
    case "devices":
      return { ...image, warnings: [...image.warnings, `layer ${progress.blob.slice(7, 19)}: ${progress.leftOut} device nodes cannot be made by this user and are left out`] };
    case "layer":
      return withLayer(image, progress.blob, (layer) => ({ ...layer, state: progress.state, bytes: layer.size }));
  }
}

/** A layer that is known already (the manifest may be told twice) stays as far as it is. */
function announced(image: ImageProgress, { blob, size, present }: { readonly blob: string; readonly size: number; readonly present: boolean }): LayerProgress {
  const known = image.layers.find((layer) => layer.blob === blob);
  return known === undefined ? { blob, size, state: present ? "present" : "waiting", bytes: 0 } : { ...known, size };
}

/** A layer that nobody has announced is added: an archive's are known only when they are unpacked. */
function withLayer(image: ImageProgress, blob: string, change: (layer: LayerProgress) => LayerProgress): ImageProgress {
  const known = image.layers.some((layer) => layer.blob === blob);
  const layers: readonly LayerProgress[] = known ? image.layers : [...image.layers, { blob, size: 0, state: "waiting", bytes: 0 }];
  return { ...image, layers: layers.map((layer) => (layer.blob === blob ? change(layer) : layer)) };
}
