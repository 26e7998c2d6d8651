/**
 * Unpacks the layers of an OCI layout into a store that did not exist, as pulling does with blobs that have arrived:
 * checked, several at once, synced, recorded. Prints the seconds.
 *
 *   bun bench/unpackLayers.ts STORE LAYOUT
 */
import { mkdirSync } from "node:fs";
import { semaphore } from "../src/base/semaphore.ts";
import { openDurable } from "../src/state/mod.ts";
import { ensureLayer } from "../src/storage/layers.ts";
import { blobPath, diffIdsOf, manifestOf, readLayout } from "../test/harness/layout.ts";
import { seconds } from "./command.ts";

/** Layers that are unpacked at the same time. */
const CONCURRENT = 3;

const [directory = "", source = ""] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
using state = openDurable(`${directory}/wherry.db`);
const layout = readLayout(source);
const diffIds = diffIdsOf(layout);
const few = semaphore(CONCURRENT);
const unpack = async (): Promise<void> => {
  await Promise.all(manifestOf(layout).layers.map(({ digest, size }, index) => few.run(async () => {
    const diffId = diffIds[index];
    await ensureLayer({ directory, catalog: state.images }, { archive: blobPath(layout, digest), blob: { digest, size }, ...(diffId === undefined ? {} : { diffId }) });
  })));
};
process.stdout.write(`${await seconds(unpack)}\n`);
