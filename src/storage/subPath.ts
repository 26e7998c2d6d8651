/** `subPath` of a volume mount: found, or made, inside the volume, whatever links a container has put there. */
import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync } from "node:fs";
import { errnoOf, fail, messageOf, unless } from "../base/errors.ts";
import { O_PATH, openBelow, RESOLVE } from "./syscalls.ts";

/** A file or directory of a volume, held open until disposed of. */
export interface SubPath extends Disposable {
  /**
   * Source for a bind mount by another process: `/proc/<our pid>/fd/<n>`. It names what was found, also when the
   * container renames things meanwhile. Valid until disposed of: keep it until the OCI runtime has created the container.
   */
  readonly source: string;
  readonly isDirectory: boolean;
}

/**
 * Opens `subPath` below `volume`; missing directories are made with the volume's mode, as the kubelet makes them.
 * Links may lead anywhere inside the volume. Kind `invalid` for an absolute path or `..`, `failed` when a link leads
 * out of the volume.
 */
export function openSubPath(volume: string, subPath: string): SubPath {
  const components = subPath.split("/").filter((name) => name !== "" && name !== ".");
  if (subPath.startsWith("/") || components.includes("..")) fail("invalid", `Cannot use subPath "${subPath}": it must be a relative path without '..'`);
  const root = openSync(volume, O_PATH);
  let fd = root;
  try {
    const mode = fstatSync(root).mode & 0o7777;
    for (const [index, name] of components.entries()) {
      const next = enter(root, { parent: fd, path: components.slice(0, index + 1).join("/"), name, mode });
      if (fd !== root) closeSync(fd);
      fd = next;
    }
    if (fd === root) fd = openSync(volume, O_PATH);
    return handle(fd);
  } catch (cause) {
    if (fd !== root) closeSync(fd);
    fail("failed", `Cannot use subPath "${subPath}" of volume "${volume}": ${errnoOf(cause) === "EXDEV" ? "a link leads out of the volume" : messageOf(cause)}`, { cause });
  } finally {
    closeSync(root);
  }
}

interface Step {
  /** Directory that has been reached. */
  readonly parent: number;
  /** Path from the root up to and with `name`. */
  readonly path: string;
  readonly name: string;
  readonly mode: number;
}

/** Every step resolves the path from the root anew, so that `..` inside a link means what it means there. */
function enter(root: number, step: Step): number {
  const open = () => openBelow(root, step.path, { flags: O_PATH, resolve: RESOLVE.beneath });
  const found = unless("ENOENT", open, undefined);
  if (found !== undefined) return found;
  const path = `/proc/self/fd/${step.parent}/${step.name}`;
  unless("EEXIST", () => mkdirSync(path), undefined);
  const made = openBelow(step.parent, step.name, { flags: O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW, resolve: RESOLVE.beneath });
  chmodSync(`/proc/self/fd/${made}`, step.mode); // whatever the umask is
  return made;
}

function handle(fd: number): SubPath {
  let open = true;
  return {
    source: `/proc/${process.pid}/fd/${fd}`,
    isDirectory: fstatSync(fd).isDirectory(),
    [Symbol.dispose]() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
