/** The mounts of a container: the defaults and what the caller binds in, parents before children. */
import type { OciMount } from "../runtime/oci.ts";
import type { Bind, ConfigInput } from "./container.ts";
import { DEFAULT_MOUNTS } from "./defaults.ts";

export interface MountOptions {
  /** /sys and its cgroups can be written: a privileged container. */
  readonly writable: boolean;
  /** Those of the defaults that are the host's own. */
  readonly fromHost?: readonly string[];
}

/**
 * The kernel mounts sysfs, mqueue and proc for who may rule over the network, IPC and PID namespace that they show: in a
 * user namespace only one of its own. Of the host's, what is mounted already is bound (containers-common does so too).
 */
export function hostMounts({ host, namespaces, pod }: Pick<ConfigInput, "host" | "namespaces" | "pod">): readonly string[] {
  if (host.userNamespace !== true) return [];
  return [...(namespaces.network === undefined ? ["/sys"] : []), ...(namespaces.ipc === undefined ? ["/dev/mqueue"] : []), ...(pod.spec.hostPID === true && namespaces.pid === undefined ? ["/proc"] : [])];
}

/** `mount(8)`, with the defaults below what the caller binds in. */
export function mountsOf(binds: readonly Bind[], { writable, fromHost = [] }: MountOptions): readonly OciMount[] {
  const taken = new Set(binds.map((bind) => normal(bind.destination)));
  const kept = DEFAULT_MOUNTS.filter((mount) => !taken.has(mount.destination)).map((mount) => (fromHost.includes(mount.destination) ? ofHost(mount) : mount));
  const defaults = kept.map((mount) => (writable ? { ...mount, options: mount.options.map((option) => (option === "ro" ? "rw" : option)) } : mount));
  return [...defaults, ...binds.map(bindMount)].toSorted((a, b) => depth(a) - depth(b));
}

const ofHost = ({ destination, options }: OciMount): OciMount => ({ destination, type: "bind", source: destination, options: ["rbind", "rprivate", ...options] });

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
