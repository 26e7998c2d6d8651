/** What this process may ask for: hard limits and capabilities (`getrlimit(2)`, `capabilities(7)`). */
import { readFileSync } from "node:fs";
import { inUserNamespace } from "../base/userNamespace.ts";

/** Names of `/proc/<pid>/limits` by OCI rlimit name. */
const ROWS: Readonly<Record<string, string>> = {
  RLIMIT_CPU: "Max cpu time", RLIMIT_FSIZE: "Max file size", RLIMIT_DATA: "Max data size", RLIMIT_STACK: "Max stack size",
  RLIMIT_CORE: "Max core file size", RLIMIT_RSS: "Max resident set", RLIMIT_NPROC: "Max processes", RLIMIT_NOFILE: "Max open files",
  RLIMIT_MEMLOCK: "Max locked memory", RLIMIT_AS: "Max address space", RLIMIT_LOCKS: "Max file locks",
  RLIMIT_SIGPENDING: "Max pending signals", RLIMIT_MSGQUEUE: "Max msgqueue size", RLIMIT_NICE: "Max nice priority",
  RLIMIT_RTPRIO: "Max realtime priority", RLIMIT_RTTIME: "Max realtime timeout",
};

/** Names of `capabilities(7)` by number, as of Linux 5.9. */
export const CAPABILITIES = [
  "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
  "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
  "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
  "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
  "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
] as const;

/** Capabilities in effect for this process. */
export function ownCapabilities(status = readFileSync("/proc/self/status", "utf8")): readonly string[] {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return CAPABILITIES.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

/** Those of them that the host itself respects: none in a user namespace (`user_namespaces(7)`), where root is root of what is in it. */
export function hostCapabilities(uidMap?: string, capabilities = ownCapabilities()): readonly string[] {
  return inUserNamespace(uidMap) ? [] : capabilities;
}

/** What decides about limits; read from this process when absent. */
export interface LimitFacts {
  /** `/proc/self/limits` */
  readonly limits?: string;
  readonly capabilities?: readonly string[];
  /** `/proc/sys/fs/nr_open`: nobody may have more files open than this. */
  readonly openFiles?: number;
}

/** Hard limits that this process may not raise, by OCI name; with CAP_SYS_RESOURCE only the kernel's own. An unlimited one is absent. */
export function hardRlimits(facts: LimitFacts = {}): Readonly<Record<string, number>> {
  const { limits = readFileSync("/proc/self/limits", "utf8"), capabilities = hostCapabilities() } = facts;
  const openFiles = facts.openFiles ?? Number(readFileSync("/proc/sys/fs/nr_open", "utf8"));
  if (capabilities.includes("CAP_SYS_RESOURCE")) return { RLIMIT_NOFILE: openFiles };
  const rows = Object.entries(ROWS).flatMap(([name, title]) => {
    const hard = new RegExp(`^${title} +\\S+ +(\\d+)`, "m").exec(limits)?.[1];
    return hard === undefined ? [] : [[name, Number(hard)] as const];
  });
  return Object.fromEntries(rows);
}

/** The lowest `oom_score_adj` (`proc(5)`) that may be given to a process: this one's own without CAP_SYS_RESOURCE, undefined with it. */
export function lowestOomScoreAdj(capabilities: readonly string[] = hostCapabilities()): number | undefined {
  return capabilities.includes("CAP_SYS_RESOURCE") ? undefined : Number(readFileSync("/proc/self/oom_score_adj", "utf8"));
}
