/** `subPath` of a volume mount: found, or made, inside the volume, whatever links a container has put there. */
import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf, fail, messageOf, unless } from "../base/errors.ts";
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_BIND, unmount } from "../base/libc.ts";
import { O_PATH, openBelow, RESOLVE } from "./syscalls.ts";

/** A file or directory of a volume, bound to a place of ours until disposed of: until the OCI runtime has created the container. */
export interface SubPath extends Disposable {
  /** What the OCI runtime binds into the container. */
  readonly source: string;
}

/**
 * Finds `subPath` below `volume` and binds it to `at`; missing directories are made with the volume's mode, as the
 * kubelet makes them. The bind is what makes it safe: whatever a running container replaces by a link meanwhile, the
 * OCI runtime gets what was found here. Links may lead anywhere inside the volume. Kind `invalid` for an absolute
 * path or `..`, `failed` when a link leads out of the volume.
 *
 * `at` must not exist, or be left over from a crash, and must be below a directory that only `removePodVolumes`
 * removes: anything else that removes a tree with such a leftover in it would remove the volume's data.
 */
export function openSubPath(volume: string, subPath: string, options: { readonly at: string }): SubPath {
  const fd = find(volume, subPath);
  try {
    release(options.at);
    ensureDirectory(dirname(options.at));
    if (fstatSync(fd).isDirectory()) mkdirSync(options.at);
    else writeFileSync(options.at, "");
    mount(`/proc/self/fd/${fd}`, options.at, "", MS_BIND);
  } catch (thrown) {
    release(options.at);
    throw thrown;
  } finally {
    closeSync(fd);
  }
  return { source: options.at, [Symbol.dispose]: () => release(options.at) };
}

/** Unmounts and removes a mount point; never what is in it. */
export function release(at: string): void {
  while (unmount(at));
  const found = statSync(at, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) rmdirSync(at);
  else if (found !== undefined) unlinkSync(at);
}

/** A descriptor of what `subPath` names. */
function find(volume: string, subPath: string): number {
  const components = subPath.split("/").filter((name) => name !== "" && name !== ".");
  if (subPath.startsWith("/") || components.includes("..")) fail("invalid", `Cannot use subPath "${subPath}": it must be a relative path without '..'`);
  const root = openSync(volume, O_PATH);
  let fd = openSync(volume, O_PATH);
  try {
    const mode = fstatSync(root).mode & 0o7777;
    for (const [index, name] of components.entries()) {
      const next = enter(root, { parent: fd, path: components.slice(0, index + 1).join("/"), name, mode });
      closeSync(fd);
      fd = next;
    }
    return fd;
  } catch (cause) {
    closeSync(fd);
    fail("invalid", `Cannot use subPath "${subPath}" of volume "${volume}": ${errnoOf(cause) === "EXDEV" ? "a link leads out of the volume" : messageOf(cause)}`, { cause });
  } finally {
    closeSync(root);
  }
}

interface Step {
  /** Directory that has been reached. */
  readonly parent: number;
  /** Path from the volume up to and with `name`. */
  readonly path: string;
  readonly name: string;
  /** Of directories that are made. */
  readonly mode: number;
}

/** Every step resolves the path from the volume anew, so that `..` inside a link means what it means there. */
function enter(root: number, step: Step): number {
  const found = unless("ENOENT", () => openBelow(root, step.path, { flags: O_PATH, resolve: RESOLVE.beneath }), undefined);
  if (found !== undefined) return found;
  unless("EEXIST", () => mkdirSync(`/proc/self/fd/${step.parent}/${step.name}`), undefined);
  const made = openBelow(step.parent, step.name, { flags: O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW, resolve: RESOLVE.beneath });
  chmodSync(`/proc/self/fd/${made}`, step.mode); // whatever the umask is
  return made;
}
