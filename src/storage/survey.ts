/** What is written down about a layer when it has been unpacked, so that damage is found and its archive can be made again. */
import { closeSync, constants, fstatSync, openSync, rmSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { fail } from "../base/errors.ts";
import { digestAt, openContent } from "./contents.ts";
import { frameWriter } from "./frames.ts";
import { layerFiles } from "./layout.ts";
import { attributesOf, removeAttribute, setTimes } from "./syscalls.ts";
import { nameSum, type TarSummary } from "./tarReader.ts";
import { attributesAt, deviceOf, entriesOf, formatEntry, type FoundEntry, within } from "./tree.ts";
import type { Unpacked } from "./unpack.ts";
import { inUserNamespace } from "./userNamespace.ts";
import { convertWhiteouts } from "./whiteouts.ts";

/** What a layer's `layer.json` holds beside its digest and size. */
export interface Surveyed {
  /** Where its archive comes from: the split record and the tree, or the archive itself, kept because it is unusual. */
  readonly archive: "split" | "kept";
  /** The latest change of an inode in the tree, as `find` prints times: what has a later one was changed since. */
  readonly newest: string;
}

/**
 * Turns the whiteouts of an unpacked tree into overlayfs's, writes down what the tree then is, and keeps the archive
 * itself when the split record cannot stand for it. `home` is the layer's directory in the making.
 */
export async function surveyLayer(home: string, archive: string, summary: Unpacked): Promise<Surveyed> {
  const { attributes } = summary;
  setLateTimes(layerFiles(home).tree, summary.late);
  if (attributes && inUserNamespace()) await removeOverlayAttributes(home);
  const first = await writeTree(home, { attributes, contents: false });
  // A name that is missing, or there by another entry too, tells that tree and archive do not correspond one to one
  const split = summary.exact && BigInt.asUintN(64, first.names + (summary.leftOut === 0 ? 0n : summary.devices.names)) === summary.names;
  if (summary.leftOut > 0 && !split) fail("invalid", "Cannot unpack the layer: entries of it that are no device nodes cannot be made");
  if (first.whiteouts && (await convertWhiteouts(layerFiles(home).tree, `${home}/scratch`))) writeFileSync(layerFiles(home).whiteouts, "");
  if (!split) await keepArchive(home, archive);
  const again = first.whiteouts || !split;
  const { newest } = again ? await writeTree(home, { attributes: attributes || first.whiteouts, contents: !split }) : first;
  return { archive: split ? "split" : "kept", newest };
}

/** What fuse-overlayfs(1) and overlayfs read where their attributes are `user`'s: those of a stranger must not mean anything. */
const MEANINGFUL = ["user.overlay.", "user.fuseoverlayfs.", "user.containers."];

async function removeOverlayAttributes(home: string): Promise<void> {
  const { tree } = layerFiles(home);
  for await (const entries of entriesOf(tree, `${home}/scratch`)) {
    for (const { path } of entries) {
      for (const [name] of attributesOf(within(tree, path))) if (MEANINGFUL.some((prefix) => name.startsWith(prefix))) removeAttribute(within(tree, path), name);
    }
  }
}

function setLateTimes(tree: string, late: TarSummary["late"]): void {
  if (late.size === 0) return;
  const root = openSync(tree, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const [path, mtimeNs] of late) setTimesBelow(root, path, mtimeNs);
  } finally {
    closeSync(root);
  }
}

/** Does nothing when it is no directory any more. */
function setTimesBelow(root: number, path: string, mtimeNs: bigint): void {
  const fd = openContent(root, path || ".");
  if (fd === undefined) return;
  try {
    const found = fstatSync(fd, { bigint: true });
    if (found.isDirectory()) setTimes(Buffer.from(`/proc/self/fd/${fd}`), { atimeNs: found.atimeNs, mtimeNs });
  } finally {
    closeSync(fd);
  }
}

async function keepArchive(home: string, archive: string): Promise<void> {
  rmSync(layerFiles(home).record, { force: true });
  await copyFile(archive, layerFiles(home).archive, constants.COPYFILE_FICLONE);
}

interface Written {
  readonly names: bigint;
  readonly whiteouts: boolean;
  readonly newest: string;
}

/** Writes the listing of the tree anew. */
async function writeTree(home: string, options: { readonly attributes: boolean; readonly contents: boolean }): Promise<Written> {
  const { tree, listing } = layerFiles(home);
  rmSync(listing, { force: true });
  using file = frameWriter(listing);
  let seen: Written = { names: 0n, whiteouts: false, newest: "" };
  for await (const entries of entriesOf(tree, `${home}/scratch`)) {
    for (const entry of entries) {
      seen = notice(seen, entry);
      const digest = options.contents && entry.type === "f" ? await digestAt(within(tree, entry.path)) : "-";
      const attributes = options.attributes ? attributesAt(tree, entry) : "-";
      file.write(formatEntry({ ...entry, device: deviceOf(tree, entry), digest, attributes }));
    }
  }
  file.end();
  return seen;
}

function notice({ names, whiteouts, newest }: Written, { path, type, ctime }: FoundEntry): Written {
  const name = path.toString();
  return {
    names: type === "d" ? names : nameSum(names, name),
    whiteouts: whiteouts || name.startsWith(".wh.") || name.includes("/.wh."),
    newest: ctime > newest ? ctime : newest,
  };
}
