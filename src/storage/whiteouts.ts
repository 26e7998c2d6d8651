/**
 * From the whiteouts of a layer archive (image-spec layer.md, "Whiteouts") to those of overlayfs. Names are bytes:
 * an archive may hold names that are not UTF-8.
 */
import { lstatSync, readFileSync, rmSync, statSync, unlinkSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { LONG } from "./layout.ts";
import { harmless } from "./names.ts";
import { makeWhiteout, setAttribute, setTimes } from "./syscalls.ts";
import { overlayAttributes } from "./userNamespace.ts";

const PREFIX = Buffer.from(".wh.");
const OPAQUE = Buffer.from(".wh..wh..opq");
const BOOKKEEPING = Buffer.from(".wh..wh.");

/** Converts all whiteouts below `directory`; `list` names a scratch file that is made and removed. Kind `invalid` for a whiteout of `.`, `..` or nothing. */
export async function convertWhiteouts(directory: string, list: string): Promise<void> {
  await exec(["find", directory, "-depth", "-name", ".wh.*", "-fprint0", list], { timeout: LONG });
  const found = readFileSync(list);
  unlinkSync(list);
  let start = 0;
  for (let end = found.indexOf(0); end >= 0; end = found.indexOf(0, start)) {
    convert(found.subarray(start, end));
    start = end + 1;
  }
}

/** The directory's times stay those of the archive. */
function convert(path: Buffer): void {
  const slash = path.lastIndexOf("/");
  const parent = path.subarray(0, slash);
  const times = statSync(parent, { bigint: true });
  rmSync(path, { recursive: true });
  hide(parent, path.subarray(slash + 1));
  setTimes(parent, times);
}

function hide(parent: Buffer, name: Buffer): void {
  if (name.equals(OPAQUE)) return makeOpaque(parent);
  if (name.subarray(0, BOOKKEEPING.length).equals(BOOKKEEPING)) return; // of AUFS, means nothing here
  const hidden = name.subarray(PREFIX.length);
  if (["", ".", ".."].includes(hidden.toString())) fail("invalid", `Cannot convert whiteout "${harmless(name.toString())}": it must hide a name`);
  const target = Buffer.concat([parent, Buffer.from("/"), hidden]);
  const made = unless("ENOENT", () => lstatSync(target), undefined);
  // A whiteout hides lower layers only, never an entry of its own layer
  if (made === undefined) makeWhiteout(target);
  else if (made.isDirectory()) makeOpaque(target);
}

/** Overlayfs shows nothing of the lower layers in it. */
function makeOpaque(directory: Buffer): void {
  setAttribute(directory, `${overlayAttributes()}opaque`, "y");
}
