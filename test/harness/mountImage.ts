/**
 * Mounts an image of wherry's store as a container gets it:
 *
 *   mountImage.ts STORE DIRECTORY DIFF_ID...
 *
 * DIRECTORY is made; the root filesystem is DIRECTORY/root. `umount` ends it.
 */
import { resolve } from "node:path";
import { layerDirectory, mountRootfs } from "../../src/storage/mod.ts";

const [store = "", directory = "", ...diffIds] = process.argv.slice(2);
const home = resolve(directory);
mountRootfs({ layers: diffIds.map((each) => layerDirectory(resolve(store), each)), upper: `${home}/upper`, work: `${home}/work`, target: `${home}/root` });
