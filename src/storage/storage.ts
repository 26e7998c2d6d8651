/**
 * The storage driver: images, layers, root filesystems, volumes. Values in, values out: it writes only below the
 * directories it is given and to the image tables it is handed (an `ImageCatalog`), and knows no pods.
 */
import type { ImageConfig } from "../spec/spec.ts";

/** An image: a configuration and the layers that its containers' root filesystems are made of. */
export interface Image {
  /** `sha256:…` of the image configuration. */
  readonly id: string;
  /** Full references with tags, `docker.io/library/nginx:1.27`. */
  readonly names: readonly string[];
  /** `docker.io/library/nginx@sha256:…` of every manifest and index that it has been pulled by. */
  readonly digests: readonly string[];
  /** diff IDs, lowest first. */
  readonly layers: readonly string[];
  readonly config: ImageConfig;
  /** Bytes of the uncompressed layer archives together. */
  readonly size: number;
  /** ms since the epoch, from the image configuration */
  readonly created: number;
  readonly importedAt: number;
}

/** A layer: one unpacked archive, shared by all images that have it. Recorded when its tree has come to its place. */
export interface Layer {
  /** `sha256:…` of the uncompressed archive (image-spec config.md, "Layer DiffID") */
  readonly diffId: string;
  /** Bytes of the uncompressed archive. */
  readonly size: number;
  /** Entries of the archive. */
  readonly entries: number;
  readonly unpackedAt: number;
  /** What a check has found wrong with its tree, one sentence; empty while it is sound. A damaged layer is never served: it counts as missing. */
  readonly damage: string;
}

/** A layer as a registry has it: `digest` and `size` are those of the (mostly compressed) blob. */
export interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** The durable record of images and layers; implemented by `state/` and handed in. Every method is one short transaction. */
export interface ImageCatalog {
  images(): readonly Image[];
  /** By full reference, `name@digest`, id or unique id prefix (at least 6 hex digits). */
  find(reference: string): Image | undefined;
  /** Adds or replaces an image; its names and digests are taken away from other images. */
  put(image: Image): void;
  /** Takes one name away. */
  untag(name: string): void;
  /** Forgets an image. */
  remove(id: string): void;

  layers(): readonly Layer[];
  layer(diffId: string): Layer | undefined;
  /** The layer that a blob is known to unpack to. */
  layerOfBlob(digest: string): Layer | undefined;
  /** Adds or replaces a layer, and remembers that `blob` unpacks to it; the blobs known before stay. */
  putLayer(layer: Layer, blob?: Blob): void;
  /** Forgets a layer and its blobs. */
  removeLayer(diffId: string): void;
}

/** An image store: where its files are, and its record. Several processes may use one at the same time. */
export interface Store {
  /** Directory on a disk, `<durable>`; the layout below it is in `layout.ts`. */
  readonly directory: string;
  readonly catalog: ImageCatalog;
}

/** What pulling, loading and importing tell while they run, in this order for each layer. */
export type StoreProgress =
  /** skopeo reads an archive, or asks `source` (`docker://…`) for the manifest */
  | { readonly step: "read"; readonly source: string }
  /** Now it is known which layers the image has, lowest first. `blob` is the digest by which the later steps call them. */
  | { readonly step: "layers"; readonly layers: readonly { readonly blob: string; readonly size: number; readonly present: boolean }[] }
  /** So many bytes of a layer's blob have come. */
  | { readonly step: "download"; readonly blob: string; readonly bytes: number }
  /** So many bytes of the blob have been unpacked. */
  | { readonly step: "unpack"; readonly blob: string; readonly bytes: number }
  /** So many device nodes of the layer cannot be made in this user namespace, and are not in it: a warning. */
  | { readonly step: "devices"; readonly blob: string; readonly leftOut: number }
  /** The layer is in the store; `present`: unpacked before, by this or another process. */
  | { readonly step: "layer"; readonly blob: string; readonly state: "present" | "done" };

/** What an archive may hold before it is refused as a bomb. */
export interface UnpackLimits {
  /** Bytes of one uncompressed layer archive. */
  readonly bytes: number;
  /** Entries of one layer archive. */
  readonly entries: number;
}
