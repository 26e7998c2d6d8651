/** Whether a store is what it should be. What is found to be damaged is not served any more, until it is sound again. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { acquire } from "../base/locks.ts";
import { writeAtomically } from "../base/files.ts";
import { changedSince, compareContents, type Doubt } from "./checkContents.ts";
import { compareTree } from "./compare.ts";
import { type LayerFacts, readFacts } from "./facts.ts";
import { findGarbage } from "./garbage.ts";
import { presentLayer } from "./layers.ts";
import { configFile, digestLock, layerFiles, layerHome, makeTemporary, namesIn, storeLock, takeLock, temporaryDirectory } from "./layout.ts";
import type { Layer, Store } from "./storage.ts";

export interface CheckOptions {
  /** Read every content, not only of what seems to have been changed: finds what a disk has lost by itself. */
  readonly contents?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Compares a layer with what was recorded when it was unpacked. Returns a sentence for everything that differs; none
 * means that it is sound. Kind `unsupported`, code `ENORECORD`, for layers of versions that recorded nothing. Hold the
 * store lock shared.
 */
export async function checkLayer(store: Store, diffId: string, options: CheckOptions = {}): Promise<readonly string[]> {
  const home = layerHome(store.directory, diffId);
  if (!existsSync(home)) return ["its directory is missing"];
  const facts = readFacts(home);
  if (facts === undefined || facts.diffId !== diffId) return ["its layer.json is missing or damaged"];
  if (facts.newest === undefined) {
    fail("unsupported", `Cannot check layer "${diffId}": the layer was unpacked by a version that recorded nothing about it`, { code: "ENORECORD", hint: "pull or import its image again after removing it" });
  }
  const missing = missingFiles(home, facts);
  return missing.length > 0 ? missing : await compare(store, { ...facts, newest: facts.newest }, options);
}

function missingFiles(home: string, { archive }: LayerFacts): readonly string[] {
  const { tree, listing, archive: kept, record } = layerFiles(home);
  const wanted = { "its tree": tree, "the listing of its tree": listing, "the record of its archive": archive === "kept" ? kept : record };
  return Object.entries(wanted).filter(([, path]) => !existsSync(path)).map(([name]) => `${name} is missing`);
}

async function compare(store: Store, facts: LayerFacts & { readonly newest: string }, { contents, signal }: CheckOptions): Promise<readonly string[]> {
  const home = layerHome(store.directory, facts.diffId);
  const all = contents === true;
  const doubt: Doubt = { about: all ? () => true : changedSince(facts.newest), later: new Set() };
  await using temporary = makeTemporary(store.directory);
  const findings: string[] = [];
  try {
    for await (const finding of compareTree(home, `${temporary.path}/list`, doubt)) {
      signal?.throwIfAborted();
      findings.push(finding);
    }
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EDAMAGED")) throw thrown;
    findings.push("the listing of its tree is damaged");
  }
  const paths = all ? ("all" as const) : doubt.later;
  for await (const finding of compareContents(home, facts, { paths, ...(signal && { signal }) })) findings.push(finding);
  return findings;
}

export interface StoreReport {
  /** diff ID → what is wrong with it; they are marked, and count as missing from now on. */
  readonly damaged: ReadonlyMap<string, readonly string[]>;
  /** diff IDs of layers that were marked and are sound again. */
  readonly recovered: readonly string[];
  /** diff IDs of layers that cannot be checked: they were unpacked by a version that recorded nothing. */
  readonly unrecorded: readonly string[];
  /** Image id → what is wrong with it beside its layers' own damage. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  /** What nobody reaches or a crash left, by path below the store's directory. `collectGarbage` removes it. */
  readonly leftovers: readonly string[];
}

/** Checks all layers and images of a store, and marks layers in the catalog. Other processes may use the store meanwhile. */
export async function checkStore(store: Store, options: CheckOptions = {}): Promise<StoreReport> {
  const leftovers = findLeftovers(store);
  const signal = options.signal && { signal: options.signal };
  using _lock = await takeLock(storeLock(store.directory), { shared: true, ...signal });
  const report = { damaged: new Map<string, readonly string[]>(), recovered: [] as string[], unrecorded: [] as string[] }; // filled below
  for (const diffId of layersToCheck(store)) await checkAndMark(store, diffId, { ...options, report });
  return { ...report, images: checkImages(store), leftovers };
}

/** While another process adds to the store, what it adds cannot be told from leftovers: then there are none. */
function findLeftovers(store: Store): readonly string[] {
  using alone = acquire(storeLock(store.directory), { wait: false });
  if (alone === undefined) return [];
  const { layers, links, configs } = findGarbage(store);
  const all = { tmp: namesIn(temporaryDirectory(store.directory)), layers, l: links, configs };
  return Object.entries(all).flatMap(([directory, names]) => names.map((name) => `${directory}/${name}`));
}

/** Those with a row, and those that an image has although a crash kept them from getting one. */
function layersToCheck(store: Store): readonly string[] {
  const reached = store.catalog.images().flatMap((image) => image.layers);
  return [...new Set([...store.catalog.layers().map((layer) => layer.diffId), ...reached])];
}

type Report = { readonly damaged: Map<string, readonly string[]>; readonly recovered: string[]; readonly unrecorded: string[] };

async function checkAndMark(store: Store, diffId: string, { report, ...options }: CheckOptions & { readonly report: Report }): Promise<void> {
  using _lock = await takeLock(digestLock(store.directory, diffId), options);
  const known = store.catalog.layer(diffId);
  const marked = (known !== undefined && known.damage !== "") || existsSync(layerFiles(layerHome(store.directory, diffId)).damage);
  // What only reading everything has found is not unfound by less
  const findings = await findingsOf(store, diffId, { ...options, ...(marked && { contents: true }) });
  if (findings === undefined) return void report.unrecorded.push(diffId);
  if (findings.length > 0) report.damaged.set(diffId, findings);
  else if (marked) report.recovered.push(diffId);
  const damage = sentenceOf(findings);
  if (known?.damage !== damage) mark(store, { diffId, size: 0, entries: 0, unpackedAt: 0, ...readFacts(layerHome(store.directory, diffId)), ...known, damage });
}

async function findingsOf(store: Store, diffId: string, options: CheckOptions): Promise<readonly string[] | undefined> {
  try {
    return await checkLayer(store, diffId, options);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENORECORD") return undefined;
    throw thrown;
  }
}

const sentenceOf = ([first, ...others]: readonly string[]): string => (first === undefined ? "" : others.length === 0 ? first : `${first}, and ${others.length} more`);

/** The mark beside the tree is set first and taken away first: who asks either is not told that a damaged layer is sound. */
function mark(store: Store, { diffId, size, entries, unpackedAt, damage }: Layer): void {
  const home = layerHome(store.directory, diffId);
  if (damage === "") rmSync(layerFiles(home).damage, { force: true });
  else if (existsSync(home)) writeAtomically(layerFiles(home).damage, damage);
  store.catalog.putLayer({ diffId, size, entries, unpackedAt, damage });
}

function checkImages(store: Store): ReadonlyMap<string, readonly string[]> {
  const images = store.catalog.images().map((image) => {
    const layers = image.layers.filter((diffId) => presentLayer(store, diffId) === undefined).map((diffId) => `its layer ${diffId} is missing or damaged`);
    return [image.id, [...layers, ...configProblems(store, image.id)]] as const;
  });
  return new Map(images.filter(([, problems]) => problems.length > 0));
}

function configProblems(store: Store, id: string): readonly string[] {
  const bytes = unless("ENOENT", () => readFileSync(configFile(store.directory, id)), undefined);
  if (bytes === undefined) return ["its configuration is missing"];
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}` === id ? [] : ["its configuration is damaged"];
}
