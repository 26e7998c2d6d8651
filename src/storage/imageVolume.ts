/** The content of an image as a volume: its layers merged, without anything to write to. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_NODEV, MS_NOSUID, MS_RDONLY } from "../base/libc.ts";

export interface ImageMount {
  /** Directories of the layers, lowest first, from `layerDirectory`. */
  readonly layers: readonly string[];
  readonly target: string;
}

/** Mounts the layers of an image read-only; what is mounted already stays. An empty directory below them makes an overlay of a single layer. */
export function mountImage({ layers, target }: ImageMount): void {
  const empty = `${target}.empty`;
  ensureDirectory(empty, 0o755);
  ensureDirectory(target, 0o755);
  if (statSync(target).dev !== statSync(dirname(target)).dev) return;
  const lower = [...layers.toReversed(), empty, ...(layers.length === 0 ? [`${empty}/.`] : [])];
  mount("overlay", target, "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, `lowerdir=${lower.map(escape).join(":")},metacopy=off,redirect_dir=nofollow`);
}

const escape = (path: string): string => path.replaceAll("\\", "\\\\").replaceAll(",", "\\,").replaceAll(":", "\\:");
