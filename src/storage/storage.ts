/**
 * The storage driver: images, layers, root filesystems, volumes. Values in, values out: it writes only below the
 * directories it is given and to the image tables it is handed (an `ImageCatalog`), and knows no pods.
 */
import type { ImageConfig } from "../spec/spec.ts";

export interface Image {
  /** `sha256:…` of the image configuration. */
  readonly id: string;
  /** Full references, `docker.io/library/nginx:1.27`. */
  readonly names: readonly string[];
  /** diff IDs, lowest first. */
  readonly layers: readonly string[];
  readonly config: ImageConfig;
  readonly size: number;
  /** ms since the epoch, from the image configuration */
  readonly created: number;
  readonly importedAt: number;
}

/** The durable record of images; implemented by `state/` and handed in. Every method is one short transaction. */
export interface ImageCatalog {
  images(): readonly Image[];
  /** By full reference, `name@digest`, id or unique id prefix (at least 6 hex digits). */
  find(reference: string): Image | undefined;
  /** Adds or replaces an image; its names are taken away from other images. */
  put(image: Image): void;
  /** Takes one name away. */
  untag(name: string): void;
  /** Forgets an image. */
  remove(id: string): void;
}

/** An image store: where its files are, and its record. Several processes may use one at the same time. */
export interface Store {
  /** Directory on a disk, `<durable>`; the layout below it is in `layout.ts`. */
  readonly directory: string;
  readonly catalog: ImageCatalog;
}

/** What an import tells while it runs. */
export type ImportProgress =
  /** skopeo reads and checks the archive */
  | { readonly step: "read"; readonly source: string }
  /** `present`: unpacked before, by this or another process */
  | { readonly step: "layer"; readonly layer: string; readonly state: "unpacking" | "present" | "done" };
