/** Layers: unpacked once by diff ID, visible only when complete, verified and on the disk. */
import { chmodSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { errnoOf, fail, messageOf } from "../base/errors.ts";
import { removeTree, syncDirectory } from "../base/files.ts";
import type { Semaphore } from "../base/semaphore.ts";
import { type LayerFacts, readFacts, writeFacts } from "./facts.ts";
import type { Growing } from "./growing.ts";
import { usersOfLayer } from "./layerUse.ts";
import { digestLock, layerFiles, layerHome, layersDirectory, makeTemporary, takeLock, temporaryDirectory } from "./layout.ts";
import { recordWriter } from "./record.ts";
import type { Blob, Layer, Store, StoreProgress, UnpackLimits } from "./storage.ts";
import { surveyLayer } from "./survey.ts";
import { syncStore } from "./sync.ts";
import { unpackTar } from "./unpack.ts";

export interface LayerOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: StoreProgress) => void;
  /** Unpacking waits for its turn; what comes after it does not. */
  readonly turns?: Semaphore;
  /** Where it says nothing: 64 GiB and 4 million entries. */
  readonly limits?: Partial<UnpackLimits>;
}

export interface LayerSource {
  /** Path of the layer's archive, whose bytes have been checked against the blob's digest where it has one. */
  readonly archive: string;
  /** What its diff ID should be, when that is known. */
  readonly diffId?: string;
  /** The archive as its image calls it; remembered with the layer. */
  readonly blob?: Blob;
  /** The archive is still being written, and this is how it is read; what it is called is known when it is whole. */
  readonly growing?: { readonly file: Growing; readonly blob: () => Blob };
}

/**
 * Makes sure that a layer is in the store, from its archive. Any number of processes may ask for the same layer: with a
 * known diff ID one unpacks and the others wait and find it; without, the first to be ready stays. A damaged layer is
 * unpacked anew and replaced. Hold the store lock shared from before until an image that reaches the layer is in the
 * catalog. Kind `invalid` when the archive is not what the diff ID says, `conflict` when a damaged layer is in use.
 */
export async function ensureLayer(store: Store, source: LayerSource, options: LayerOptions = {}): Promise<Layer> {
  const { diffId } = source;
  using _lock = diffId === undefined ? undefined : await takeLock(digestLock(store.directory, diffId), options);
  const present = diffId === undefined ? undefined : presentLayer(store, diffId);
  if (present !== undefined) return recorded(store, present, { source, state: "present", options });
  if (diffId !== undefined) refuseWhileUsed(store, diffId);
  await using temporary = makeTemporary(store.directory);
  const unpacking = (): Promise<LayerFacts> => unpack(temporary.path, source, options);
  const facts = await (options.turns?.run(unpacking) ?? unpacking()).catch((cause: unknown) => explain(cause, { store, source }));
  await syncStore(store.directory);
  if (diffId !== undefined && facts.diffId !== diffId) {
    fail("invalid", `Cannot unpack layer "${diffId}": its archive has the digest ${facts.diffId}`);
  }
  using _found = diffId === undefined ? await takeLock(digestLock(store.directory, facts.diffId), options) : undefined;
  const first = presentLayer(store, facts.diffId); // another process may have been quicker when the diff ID was not known
  if (first === undefined) await publish(store, facts.diffId, temporary.path);
  const named = source.growing === undefined ? source : { ...source, blob: source.growing.blob() };
  return recorded(store, first ?? layerOf(facts), { source: named, state: "done", options });
}

/** The layer, when the store has it and nothing is wrong with it: its tree came to its place by rename, so it is whole. */
export function presentLayer(store: Store, diffId: string): Layer | undefined {
  const home = layerHome(store.directory, diffId);
  const known = store.catalog.layer(diffId);
  if ((known !== undefined && known.damage !== "") || existsSync(layerFiles(home).damage)) return undefined;
  if (known !== undefined) return existsSync(layerFiles(home).facts) ? known : undefined;
  const facts = readFacts(home); // a crash may have come between the rename and the catalog
  return facts === undefined ? undefined : layerOf(facts);
}

const layerOf = ({ diffId, size, entries }: LayerFacts): Layer => ({ diffId, size, entries, unpackedAt: Date.now(), damage: "" });

function recorded(store: Store, layer: Layer, { source, state, options }: { readonly source: LayerSource; readonly state: "present" | "done"; readonly options: LayerOptions }): Layer {
  store.catalog.putLayer(layer, source.blob);
  options.progress?.({ step: "layer", blob: nameOf(source), state }); // as the steps before have called it
  return layer;
}

/** A full disk is noticed by whoever writes next, each in its own words. */
function explain(cause: unknown, { store, source }: { readonly store: Store; readonly source: LayerSource }): never {
  const full = ["ENOSPC", "EDQUOT"].includes(errnoOf(cause) ?? "") || /No space left on device|Disk quota exceeded/.test(messageOf(cause));
  if (!full) throw cause;
  fail("failed", `Cannot unpack layer "${nameOf(source)}": no space left on the disk of "${store.directory}"`, { cause, code: "ENOSPC", hint: "make room there, for instance by removing images" });
}

/** What a layer is called while it is not known which one it is. */
const nameOf = ({ archive, diffId, blob }: LayerSource): string => blob?.digest ?? diffId ?? archive;

async function unpack(home: string, source: LayerSource, options: LayerOptions): Promise<LayerFacts> {
  const { archive, blob, diffId, growing } = source;
  const { tree, record } = layerFiles(home);
  const called = nameOf(source);
  const progress = growing === undefined ? options.progress : undefined; // while it downloads, that it is unpacked is no news
  progress?.({ step: "unpack", blob: called, bytes: 0 });
  mkdirSync(tree);
  chmodSync(tree, 0o755); // until the archive has an entry for it
  using listener = recordWriter(record);
  const unpacked = await unpackTar(archive, tree, {
    ...options, listener, ...(growing && { growing: growing.file }), unverified: diffId === undefined && blob === undefined && growing === undefined, read: (bytes) => progress?.({ step: "unpack", blob: called, bytes }),
  });
  listener.end();
  if (unpacked.leftOut > 0) options.progress?.({ step: "devices", blob: growing?.blob().digest ?? called, leftOut: unpacked.leftOut });
  const facts = { diffId: unpacked.diffId, size: unpacked.size, entries: unpacked.entries, ...(await surveyLayer(home, archive, unpacked)) };
  writeFacts(home, facts);
  return facts;
}

/**
 * Gives a layer its place, from where a damaged one goes out of the way. A crash in between leaves no layer, which is
 * missing like any other; one before the catalog knows leaves a layer that is unpacked once more.
 */
async function publish(store: Store, diffId: string, made: string): Promise<void> {
  const home = layerHome(store.directory, diffId);
  const old = `${temporaryDirectory(store.directory)}/${crypto.randomUUID()}`;
  refuseWhileUsed(store, diffId);
  if (existsSync(home)) renameSync(home, old);
  renameSync(made, home);
  syncDirectory(layersDirectory(store.directory));
  await removeTree(old);
}

/** A tree must not change below the root filesystems that stand on it. */
function refuseWhileUsed(store: Store, diffId: string): void {
  const users = usersOfLayer(store.directory, diffId);
  if (users.length === 0) return;
  fail("conflict", `Cannot replace damaged layer "${diffId}": it is mounted at ${users.join(", ")}`, { hint: "take down what uses it first", context: { users } });
}
