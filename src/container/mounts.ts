/** The mounts of a container: the defaults and what the caller binds in, parents before children. */
import type { OciMount } from "../runtime/oci.ts";
import type { Bind } from "./container.ts";
import { DEFAULT_MOUNTS } from "./defaults.ts";

export interface MountOptions {
  /** /sys and its cgroups can be written: a privileged container. */
  readonly writable: boolean;
}

/** `mount(8)`: rprivate, because Kubernetes' `mountPropagation` is None unless it is asked for. */
export function mountsOf(binds: readonly Bind[], { writable }: MountOptions): readonly OciMount[] {
  const taken = new Set(binds.map((bind) => normal(bind.destination)));
  const defaults = DEFAULT_MOUNTS.filter((mount) => !taken.has(mount.destination)).map((mount) => (writable ? { ...mount, options: mount.options.map((option) => (option === "ro" ? "rw" : option)) } : mount));
  return [...defaults, ...binds.map(bindMount)].toSorted((a, b) => depth(a) - depth(b));
}

function bindMount({ source, destination, readOnly, recursive }: Bind): OciMount {
  return { destination: normal(destination), type: "bind", source, options: [recursive ? "rbind" : "bind", "rprivate", readOnly ? "ro" : "rw"] };
}

const normal = (path: string): string => `/${path.split("/").filter((part) => part !== "" && part !== ".").join("/")}`;
const depth = ({ destination }: OciMount): number => destination.split("/").filter((part) => part !== "").length;
