/**
 * Volumes whose files change all at once, in the layout of the kubelet's atomic writer, which programs rely on:
 *
 *     ..2026_02_01_15_04_05.Ab3dE9/key     the files of one version
 *     ..data -> ..2026_02_01_15_04_05.…    the version that is seen; replaced by rename
 *     key -> ..data/key                    one link per first path component
 */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fail, unless } from "../base/errors.ts";
import { groupMode, ownOne } from "./ownership.ts";
import type { VolumeFile } from "./volumeFiles.ts";

export interface GroupOption {
  /** Group that can read the files, whatever their modes are; `fsGroup` of a pod. */
  readonly group?: number | undefined;
}

/**
 * Makes `files` the content of the volume at `directory`, which exists. Readers see the old files or the new ones.
 * Repeating it, also after a crash at any point, completes it. Returns whether anything changed. Kind `invalid` for a
 * path that leaves the volume or uses the names above. One caller at a time.
 */
export function writeVolumeFiles(directory: string, given: readonly VolumeFile[], options: GroupOption = {}): boolean {
  const { group } = options;
  const files = group === undefined ? given : given.map((file) => ({ ...file, mode: groupMode(file.mode, { directory: false, readOnly: true }) }));
  for (const file of files) checkPath(file.path);
  const current = unless("ENOENT", () => readlinkSync(`${directory}/..data`), undefined);
  const changed = current === undefined || !holds(`${directory}/${current}`, files);
  const version = changed ? writeVersion(directory, { files, group }) : current;
  // The links of new files come before the version that has them, those of old files go after: none is ever missing
  const names = new Set(files.map((file) => file.path.split("/")[0] ?? ""));
  for (const name of names) unless("EEXIST", () => symlinkSync(`..data/${name}`, `${directory}/${name}`), undefined);
  if (changed) show(directory, version);
  const keep = new Set([...names, "..data", version]);
  for (const name of readdirSync(directory)) if (!keep.has(name)) rmSync(`${directory}/${name}`, { recursive: true });
  if (group !== undefined) for (const name of ["", ...names, "..data"]) ownOne(`${directory}/${name}`, group, { readOnly: true });
  return changed;
}

function checkPath(path: string): void {
  const components = path.split("/");
  const good = components.every((name) => name !== "" && name !== "." && name !== ".." && Buffer.byteLength(name) <= 255);
  if (good && !path.startsWith("..") && path.length <= 4096) return;
  fail("invalid", `Cannot write "${path}" into a volume: it must be a relative path that does not start with '..'`);
}

function writeVersion(directory: string, { files, group }: { readonly files: readonly VolumeFile[]; readonly group: number | undefined }): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-T:]/g, "_");
  const version = mkdtempSync(`${directory}/..${stamp}.`);
  chmodSync(version, 0o755);
  for (const file of files) {
    const path = `${version}/${file.path}`;
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, file.content);
    chmodSync(path, file.mode);
  }
  if (group !== undefined) for (const name of ["", ...readdirSync(version, { recursive: true, encoding: "utf8" })]) ownOne(`${version}/${name}`, group, { readOnly: true });
  return version.slice(directory.length + 1);
}

function show(directory: string, version: string): void {
  const next = `${directory}/..data_tmp`;
  rmSync(next, { force: true });
  symlinkSync(version, next);
  renameSync(next, `${directory}/..data`);
}

/** Whether a version has exactly these files, with these contents and modes. */
function holds(version: string, files: readonly VolumeFile[]): boolean {
  const there = unless("ENOENT", () => readdirSync(version, { recursive: true, withFileTypes: true }), []).filter((entry) => entry.isFile());
  return there.length === files.length && files.every((file) => {
    const found = lstatSync(`${version}/${file.path}`, { throwIfNoEntry: false });
    return found?.isFile() === true && (found.mode & 0o7777) === file.mode && readFileSync(`${version}/${file.path}`).equals(file.content);
  });
}
