/** The directories of claims: made when they are bound, removed only when somebody asks for that. */
import { chmodSync, mkdirSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf, fail, unless } from "../base/errors.ts";
import { ensureDirectory, removeTree } from "../base/files.ts";

/** Directory of a claim below the durable directory. Namespaces are labels and names subdomains: neither is `..` nor holds a slash. */
export const claimDirectory = (durable: string, namespace: string, name: string): string => `${durable}/volumes/${namespace}/${name}`;

/** Makes the directory of a claim, which any user of a container may write to; one that is there stays as it is. */
export function makeClaimDirectory(directory: string): void {
  for (;;) {
    ensureDirectory(dirname(directory));
    try {
      mkdirSync(directory);
      break;
    } catch (thrown) {
      if (errnoOf(thrown) === "EEXIST") return;
      if (errnoOf(thrown) !== "ENOENT") throw thrown; // the last claim of the namespace was removed meanwhile
    }
  }
  chmodSync(directory, 0o777); // whatever the umask is
}

/** Removes the directory of a claim, and that of its namespace with the last one. Nothing there is success. */
export async function removeClaimDirectory(directory: string): Promise<void> {
  await removeTree(directory);
  for (const parent of [dirname(directory), dirname(dirname(directory))]) removeEmpty(parent);
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (thrown) {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errnoOf(thrown) ?? "")) throw thrown;
  }
}

/** Removes what is in a directory of the host, and leaves the directory: it may be a mount point. */
export async function clearDirectory(directory: string): Promise<void> {
  if (directory.split("/").filter((part) => part !== "" && part !== ".").length < 2) fail("invalid", `Cannot remove what is in "${directory}": it is too close to the root, it should be a directory of a directory`);
  const names = unless("ENOENT", () => readdirSync(directory), []);
  for (const name of names) await removeTree(`${directory}/${name}`);
}

/** Checks the path of a `local` volume. Kind `failed` when there is nothing, or something else than its mode says. */
export function checkLocalVolume(path: string, mode: "Filesystem" | "Block"): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) fail("failed", `Cannot use local volume "${path}": it does not exist`);
  if (mode === "Block" && !found.isBlockDevice()) fail("failed", `Cannot use local volume "${path}": it is no block device, as its volumeMode Block says`);
  if (mode === "Filesystem" && !found.isDirectory()) fail("failed", `Cannot use local volume "${path}": it is no directory`);
}
