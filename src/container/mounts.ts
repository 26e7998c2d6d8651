/** The mounts of a container: the defaults and what the caller binds in, parents before children. */
import type { OciMount } from "../runtime/oci.ts";
import type { Bind } from "./container.ts";
import { DEFAULT_MOUNTS } from "./defaults.ts";

export interface MountOptions {
  /** /sys and its cgroups can be written: a privileged container. */
  readonly writable: boolean;
}

/** `mount(8)`, with the defaults below what the caller binds in. */
export function mountsOf(binds: readonly Bind[], { writable }: MountOptions): readonly OciMount[] {
  const taken = new Set(binds.map((bind) => normal(bind.destination)));
  const defaults = DEFAULT_MOUNTS.filter((mount) => !taken.has(mount.destination)).map((mount) => (writable ? { ...mount, options: mount.options.map((option) => (option === "ro" ? "rw" : option)) } : mount));
  return [...defaults, ...binds.map(bindMount)].toSorted((a, b) => depth(a) - depth(b));
}

function bindMount({ source, destination, readOnly, recursive, propagation = "rprivate", readOnlyBelow = false, options = [] }: Bind): OciMount {
  const access = readOnly ? ["ro", ...(readOnlyBelow ? ["rro"] : [])] : ["rw"];
  return { destination: normal(destination), type: "bind", source, options: [recursive ? "rbind" : "bind", propagation, ...access, ...options] };
}

/** A mount that is to be seen outside, or comes from there, must not be cut off by the root's own propagation (containerd `WithMounts`). */
export function rootfsPropagation(binds: readonly Bind[]): { readonly rootfsPropagation?: string } {
  const asked = (kind: Bind["propagation"]): boolean => binds.some(({ propagation }) => propagation === kind);
  if (asked("rshared")) return { rootfsPropagation: "rshared" };
  return asked("rslave") ? { rootfsPropagation: "rslave" } : {};
}

const normal = (path: string): string => `/${path.split("/").filter((part) => part !== "" && part !== ".").join("/")}`;
const depth = ({ destination }: OciMount): number => destination.split("/").filter((part) => part !== "").length;
