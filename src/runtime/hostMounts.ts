/**
 * Containers that share the host's mount namespace (the service container). Neither runtime can set one up without
 * touching the host: runc binds the root filesystem, the host's own root, over itself and copies the whole mount table
 * with it; crun makes the links of /dev that a container should have in the host's own, and puts one to pts/ptmx, which
 * no user but root may open, in the place of /dev/ptmx.
 */
import { existsSync } from "node:fs";
import { ensureDirectory } from "../base/files.ts";
import type { OciConfig, OciMount } from "./oci.ts";

/** Goes to the mount namespace of this process, which is the host's, and becomes the payload: for as long as this process lives. */
const leave = (): readonly string[] => ["nsenter", `--mount=/proc/${process.pid}/ns/mnt`, "--"];

/** What nsenter(1) needs of the host. */
const NEEDED = ["/bin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/dev", "/proc"];

/**
 * A mount namespace and a small root of its own for the runtime to set up, both of which the payload leaves before it
 * begins. Who has the container made must live until it has been started.
 */
export function spareHostMounts(config: OciConfig, bundle: string): OciConfig {
  const { namespaces } = config.linux;
  if (namespaces.some(({ type }) => type === "mount")) return config;
  const root = `${bundle}/rootfs`;
  ensureDirectory(root);
  const mounts = NEEDED.filter((path) => existsSync(path)).map((path): OciMount => ({ destination: path, type: "bind", source: path, options: ["rbind", "rprivate", "ro"] }));
  return {
    ...config,
    root: { path: root, readonly: false },
    mounts,
    process: { ...config.process, args: [...leave(), ...config.process.args] },
    linux: { ...config.linux, namespaces: [...namespaces, { type: "mount" }] },
  };
}
