/** hostPath volumes: the kubelet's checks and creations (kubernetes.io/docs/concepts/storage/volumes, "hostPath volume types"). */
import { closeSync, mkdirSync, openSync, statSync, type Stats } from "node:fs";
import { errnoOf, fail, messageOf } from "../base/errors.ts";
import type { HostPathType } from "../spec/spec.ts";

interface Check {
  /** In the kubelet's words. */
  readonly what: string;
  readonly is: (found: Stats) => boolean;
}

const DIRECTORY: Check = { what: "directory", is: (found) => found.isDirectory() };
const FILE: Check = { what: "file", is: (found) => found.isFile() };

const CHECKS: Readonly<Record<HostPathType, Check | undefined>> = {
  "": undefined,
  DirectoryOrCreate: DIRECTORY,
  Directory: DIRECTORY,
  FileOrCreate: FILE,
  File: FILE,
  Socket: { what: "socket file", is: (found) => found.isSocket() },
  CharDevice: { what: "character device", is: (found) => found.isCharacterDevice() },
  BlockDevice: { what: "block device", is: (found) => found.isBlockDevice() },
};

/**
 * Makes sure that `path` can be bound as a hostPath volume of `type`. Without a type nothing is checked and a missing
 * path becomes a directory, as CRI runtimes do. Kind `invalid` for `..` in the path, `failed` with the kubelet's sentence.
 */
export function prepareHostPath(path: string, type: HostPathType): void {
  if (path.split("/").includes("..")) fail("invalid", `Cannot use host path "${path}": it must not contain '..'`);
  const found = create(path, type);
  const check = CHECKS[type];
  if (check === undefined || (found !== undefined && check.is(found))) return;
  fail("failed", `Cannot use host path "${path}": hostPath type check failed: ${path} is not a ${check.what}`);
}

/** What is at `path`, after having made it when it was missing and the type says so. */
function create(path: string, type: HostPathType): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found;
  try {
    if (type === "" || type === "DirectoryOrCreate") mkdirSync(path, { recursive: true, mode: 0o755 });
    else if (type === "FileOrCreate") closeSync(openSync(path, "a", 0o644));
    else return undefined;
  } catch (cause) {
    fail("failed", `Cannot make host path "${path}": ${messageOf(cause)}`, { cause, code: errnoOf(cause) ?? "EFAILED" });
  }
  return statSync(path);
}
