/** The content of an image as a volume: its layers merged, without anything to write to. */
import { statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ensureDirectory } from "../base/files.ts";
import { type FuseOverlay, mountEither, unmountDead } from "./fuseOverlay.ts";
import { openLayers, type OverlayUsers } from "./idmapped.ts";
import { workingIn } from "./syscalls.ts";
import { inUserNamespace } from "./userNamespace.ts";
import { mount, MS_NODEV, MS_NOSUID, MS_RDONLY } from "../base/libc.ts";

export interface ImageMount {
  /** Directories of the layers, lowest first, from `layerDirectory`. */
  readonly layers: readonly string[];
  readonly target: string;
  /** Its ids are those of a user namespace. */
  readonly users?: OverlayUsers;
  /** What stands in where the kernel refuses. */
  readonly fuse?: FuseOverlay;
}

/** Mounts the layers of an image read-only; what is mounted already stays. An empty directory below them makes an overlay of a single layer. */
export function mountImage({ layers, target, users, fuse }: ImageMount): void {
  if (fuse !== undefined) unmountDead(target);
  const empty = `${target}.empty`;
  ensureDirectory(empty, 0o755);
  ensureDirectory(target, 0o755);
  if (statSync(target).dev !== statSync(dirname(target)).dev) return;
  if (users === undefined) {
    return mountEither({ layers, target: resolve(target) }, { natively: () => mountMerged(layers, { target, empty }), fuse });
  }
  using mapped = openLayers(layers, users);
  const names = mapped.layers.map((layer) => basename(layer));
  if (names.length === 0) mountMerged([], { target, empty });
  else workingIn(users.at, () => mountMerged(names, { target: resolve(target), empty: resolve(empty) }));
}

function mountMerged(layers: readonly string[], { target, empty }: { readonly target: string; readonly empty: string }): void {
  const second = `${target}.empty2`; // overlayfs wants two, and not the same one twice
  if (layers.length === 0) ensureDirectory(second, 0o755);
  const lower = [...layers.toReversed(), empty, ...(layers.length === 0 ? [second] : [])];
  mount("overlay", target, "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, `lowerdir=${lower.map(escape).join(":")},metacopy=off,redirect_dir=nofollow${inUserNamespace() ? ",userxattr" : ""}`);
}

const escape = (path: string): string => path.replaceAll("\\", "\\\\").replaceAll(",", "\\,").replaceAll(":", "\\:");
