/** The blobs that skopeo writes into a directory, each unpacked while it comes, or once it has come. */
import { closeSync, ftruncateSync, openSync, readdirSync, statSync, truncateSync, watch } from "node:fs";
import { unless } from "../base/errors.ts";
import { semaphore } from "../base/semaphore.ts";
import { type Growing, openGrowing } from "./growing.ts";
import { ensureLayer, type LayerOptions, type LayerSource, presentLayer } from "./layers.ts";
import { blobLock, hexOf, takeLock } from "./layout.ts";
import type { Blob, Layer, Store } from "./storage.ts";
import { isArchive } from "./unpack.ts";

export interface ArrivalOptions extends LayerOptions {
  /** Blobs whose layers the store has, digest → size: they are not copied. */
  readonly present?: ReadonlyMap<string, number>;
  /** The caller holds the lock of every blob that comes, and the store has none of them: it is unpacked while it comes. */
  readonly locked?: boolean;
  /** A layer is in the store. */
  readonly onLayer?: (blob: string) => void;
}

/** Layers of one image that are unpacked at the same time. */
const CONCURRENT = 3;
const BLOB = /^[0-9a-f]{64}$/;
/** What skopeo calls a blob that it is still writing. */
const PARTIAL = /^dir-put-blob/;
/** A layer's archive begins with so many bytes that tell it from a configuration. */
const HEADER = 512;

/** Watches a directory until it is ended. */
export class Arrivals {
  /** By digest of the blob. */
  readonly layers = new Map<string, Layer>();
  readonly #store: Store;
  readonly #directory: string;
  readonly #options: ArrivalOptions & { readonly onFailure: (thrown: unknown) => void };
  readonly #seen = new Set<string>();
  /** By inode: the name changes when it is whole. */
  readonly #growing = new Map<number, Coming>();
  readonly #partial = new Map<string, Growing>();
  readonly #unpacking: Promise<void>[] = [];
  readonly #few = semaphore(CONCURRENT);
  readonly #watching = new AbortController();
  #placed = false;
  #failed = false;

  constructor(store: Store, directory: string, options: ArrivalOptions & { readonly onFailure: (thrown: unknown) => void }) {
    this.#store = store;
    this.#directory = directory;
    this.#options = options;
    watch(directory, { signal: this.#watching.signal }, (event, name) => {
      if (event === "rename") this.#lookSafely();
      else if (name !== null) this.#partial.get(name)?.grew();
    });
  }

  #lookSafely(): void {
    if (this.#watching.signal.aborted) return;
    try {
      this.look();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Takes in what has come since the last look. */
  look(): void {
    const names = readdirSync(this.#directory);
    if (!this.#placed && names.includes("version")) this.#place();
    for (const name of names) {
      if (BLOB.test(name) && this.#growing.size > 0) this.#named(name);
      if (this.#seen.has(name)) continue;
      if (BLOB.test(name)) this.#arrived(name);
      else if (PARTIAL.test(name) && this.#options.locked === true) this.#begun(name);
    }
    for (const [name, file] of this.#partial) if (!names.includes(name)) file.lost(); // no effect on what is whole
  }

  /**
   * Stand-ins for blobs that need not be copied: skopeo takes a file of the name for the blob. It empties the directory
   * when it begins, so they are placed after it has, marked by its file "version"; one that comes too late is copied
   * after all and does no harm.
   */
  #place(): void {
    this.#placed = true;
    for (const [digest, size] of this.#options.present ?? []) {
      const name = hexOf(digest);
      const fd = unless("EEXIST", () => openSync(`${this.#directory}/${name}`, "wx"), undefined);
      if (fd === undefined) continue;
      this.#seen.add(name);
      ftruncateSync(fd, size);
      closeSync(fd);
    }
  }

  /** A blob begins to come. */
  #begun(name: string): void {
    this.#seen.add(name);
    const file = unless("ENOENT", () => openGrowing(`${this.#directory}/${name}`), undefined);
    if (file === undefined) return;
    const coming: Coming = { file, blob: undefined };
    this.#partial.set(name, file);
    this.#growing.set(file.inode, coming);
    this.#unpacking.push(this.#follow(name, coming));
  }

  /** A blob that is followed is whole when it has its name, also when it is the second of that name. */
  #named(name: string): void {
    const { ino, size } = statSync(`${this.#directory}/${name}`);
    const coming = this.#growing.get(ino);
    if (coming === undefined) return;
    this.#seen.add(name);
    coming.blob = { digest: `sha256:${name}`, size };
    coming.file.whole();
  }

  /** A blob is whole that nobody has followed. */
  #arrived(name: string): void {
    this.#seen.add(name);
    const archive = `${this.#directory}/${name}`;
    const blob: Blob = { digest: `sha256:${name}`, size: statSync(archive).size };
    if (isArchive(archive)) this.#unpacking.push(this.#unpack({ archive, blob }));
  }

  async #follow(name: string, coming: Coming): Promise<void> {
    using file = coming.file;
    try {
      if (!(await file.has(HEADER)) || !isArchive(file.path)) return;
      await this.#unpack({ archive: file.path, growing: { file, blob: () => nameOf(coming) } });
    } finally {
      this.#growing.delete(file.inode);
      this.#partial.delete(name);
    }
  }

  async #unpack(source: LayerSource): Promise<void> {
    if (this.#failed) return;
    try {
      using _lock = this.#options.locked === true || source.blob === undefined ? undefined : await takeLock(blobLock(this.#store.directory, source.blob.digest), this.#options);
      const known = source.blob === undefined ? undefined : layerOfBlob(this.#store, source.blob);
      const layer = known ?? (await ensureLayer(this.#store, source, { ...this.#options, turns: this.#few }));
      const blob = source.growing?.blob() ?? source.blob;
      if (blob === undefined) return;
      if (known === undefined) this.layers.set(blob.digest, layer);
      empty(source.archive, blob.size);
      this.#options.onLayer?.(blob.digest);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    if (!this.#failed) this.#options.onFailure(thrown);
    this.#failed = true;
  }

  /** Resolves when nothing is being unpacked any more. What has not come whole by now never will. */
  async end(): Promise<void> {
    this.#watching.abort();
    for (const file of this.#partial.values()) file.lost();
    await Promise.all(this.#unpacking);
  }
}

/** A blob on its way; what it is called is known when it has come. */
interface Coming {
  readonly file: Growing;
  blob: Blob | undefined;
}

function nameOf({ blob }: Coming): Blob {
  if (blob === undefined) throw new Error("a blob that has been read to its end has no name");
  return blob;
}

/** The layer of a blob, when the store has it; what is not compressed is called by its diff ID. */
export function layerOfBlob(store: Store, { digest }: Blob): Layer | undefined {
  return presentLayer(store, store.catalog.layerOfBlob(digest)?.diffId ?? digest);
}

/** Gives the space of an archive back and leaves its name: an image may have a layer twice. */
function empty(archive: string, size: number): void {
  truncateSync(archive, 0);
  truncateSync(archive, size);
}
