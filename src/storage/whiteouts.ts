/**
 * From the whiteouts of a layer archive (image-spec layer.md, "Whiteouts") to those of overlayfs. Names are bytes:
 * an archive may hold names that are not UTF-8.
 *
 * A filesystem that is an overlay itself takes no whiteouts, and Linux before 5.8 takes none from a user. There they stay
 * files with the names that they have in the archive, which fuse-overlayfs(1) understands as well, and the kernel does not.
 */
import { lstatSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { exec } from "../base/exec.ts";
import { LONG } from "./layout.ts";
import { harmless } from "./names.ts";
import { makeWhiteout, setAttribute, setTimes } from "./syscalls.ts";
import { inUserNamespace, overlayAttributes } from "./userNamespace.ts";

const PREFIX = Buffer.from(".wh.");
const OPAQUE = Buffer.from(".wh..wh..opq");
const BOOKKEEPING = Buffer.from(".wh..wh.");

/**
 * Converts all whiteouts below `directory`; `list` names a scratch file that is made and removed. Returns whether some
 * had to stay files. Kind `invalid` for a whiteout of `.`, `..` or nothing.
 */
export async function convertWhiteouts(directory: string, list: string): Promise<boolean> {
  await exec(["find", directory, "-depth", "-name", ".wh.*", "-fprint0", list], { timeout: LONG });
  const found = readFileSync(list);
  unlinkSync(list);
  let [start, stayed] = [0, false];
  for (let end = found.indexOf(0); end >= 0; end = found.indexOf(0, start)) {
    stayed = convert(found.subarray(start, end)) || stayed;
    start = end + 1;
  }
  return stayed;
}

/** The directory's times stay those of the archive. Returns whether it is a file still. */
function convert(path: Buffer): boolean {
  const slash = path.lastIndexOf("/");
  const parent = path.subarray(0, slash);
  const times = statSync(parent, { bigint: true });
  rmSync(path, { recursive: true });
  const hidden = isTaken(() => hide(parent, path.subarray(slash + 1)));
  if (!hidden) writeFileSync(path, "", { flag: "wx", mode: 0 });
  setTimes(parent, times);
  return !hidden;
}

/** False where the filesystem does not take it from an ordinary user. */
function isTaken(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (thrown) {
    if (inUserNamespace() && ["EPERM", "EOPNOTSUPP"].includes(errnoOf(thrown) ?? "")) return false;
    throw thrown;
  }
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
