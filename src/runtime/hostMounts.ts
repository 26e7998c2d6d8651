/**
 * Containers that share the host's mount namespace (the service container). crun leaves the mounts alone then; runc
 * does not: it binds the root filesystem, the host's own root, over itself and copies the whole mount table with it.
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { ensureDirectory } from "../base/files.ts";
import type { OciConfig, OciMount } from "./oci.ts";

/** The payload of a container is a child of its monitor, which is in the host's mount namespace: go there, and become the payload. */
const LEAVE = 'exec nsenter --target "$PPID" --mount -- "$@"';

/** What a shell and nsenter(1) need of the host. */
const NEEDED = ["/bin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/dev", "/proc"];

/** For runc: a mount namespace and a small root of its own to set up, both of which the payload leaves before it begins. */
export function spareHostMounts(config: OciConfig, { runtime, bundle }: { readonly runtime: string; readonly bundle: string }): OciConfig {
  const { namespaces } = config.linux;
  if (basename(runtime) !== "runc" || namespaces.some(({ type }) => type === "mount")) return config;
  const root = `${bundle}/rootfs`;
  ensureDirectory(root);
  const mounts = NEEDED.filter((path) => existsSync(path)).map((path): OciMount => ({ destination: path, type: "bind", source: path, options: ["rbind", "rprivate", "ro"] }));
  return {
    ...config,
    root: { path: root, readonly: false },
    mounts,
    process: { ...config.process, args: ["/bin/sh", "-c", LEAVE, "leave", ...config.process.args] },
    linux: { ...config.linux, namespaces: [...namespaces, { type: "mount" }] },
  };
}
