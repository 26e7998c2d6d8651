/** What a host refuses a pod for before anything of it is made: the kubelet's admission handlers. Pure. */
import { fail } from "../base/errors.ts";
import type { Pod, Profile } from "../spec/spec.ts";

export interface AdmissionFacts {
  /** The kernel enforces AppArmor. */
  readonly appArmor: boolean;
  /** Kernel parameters that are allowed besides the safe ones, `net.core.*` or `net.core.somaxconn` (kubelet `--allowed-unsafe-sysctls`). */
  readonly unsafeSysctls: readonly string[];
}

export interface Rejection {
  readonly reason: "SysctlForbidden" | "AppArmor";
  readonly message: string;
}

/** Why the pod may not run here; undefined when it may. Kind `invalid` for a pattern of parameters that belong to no namespace. */
export function rejectionOf(pod: Pod, { appArmor, unsafeSysctls }: AdmissionFacts): Rejection | undefined {
  const allowed = [...SAFE, ...unsafeSysctls.map(checkedPattern)];
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const why = whyForbidden(name, pod, allowed);
    if (why !== undefined) return { reason: "SysctlForbidden", message: `forbidden sysctl: ${why}` };
  }
  if (appArmor || !profilesOf(pod).some(({ type }) => type !== "Unconfined")) return undefined;
  return { reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host" };
}

/** kubelet `SafeSysctlAllowlist`: in a namespace of the pod, and of no effect on others. */
const SAFE: readonly string[] = [
  "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
];

function whyForbidden(name: string, { spec }: Pod, allowed: readonly string[]): string | undefined {
  const fits = (pattern: string): boolean => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
  if (!allowed.some(fits)) return `"${name}" not allowlisted`;
  const kind = namespaceOf(name);
  const shared = kind === "net" ? spec.hostNetwork : spec.hostIPC === true;
  return shared ? `"${name}" not allowed with host ${kind} enabled` : undefined;
}

/** The namespace that a parameter belongs to (component-helpers `NamespacedBy`). */
function namespaceOf(name: string): "net" | "ipc" | undefined {
  if (name.startsWith("net.")) return "net";
  return name === "kernel.sem" || ["kernel.shm", "kernel.msg", "fs.mqueue."].some((prefix) => name.startsWith(prefix)) ? "ipc" : undefined;
}

function checkedPattern(pattern: string): string {
  const dotted = pattern.replaceAll("/", ".");
  if (namespaceOf(dotted.replace(/\*$/, "")) !== undefined) return dotted;
  return fail("invalid", `Cannot allow kernel parameter "${pattern}": it is not one of a pod's own namespaces, it must begin with net., kernel.shm, kernel.msg or fs.mqueue., or be kernel.sem`);
}

function profilesOf({ spec }: Pod): readonly Profile[] {
  return [spec, ...spec.initContainers, ...spec.containers].flatMap(({ securityContext }) => securityContext?.appArmorProfile ?? []);
}
