/**
 * What `wherry doctor` knows of a host. *Facts* are gathered at the edge (`gather.ts`), as they stand in files and
 * without trying anything; *findings* are made of them by pure functions, one for each precondition.
 */
import type { Owner } from "../../rootless/rootless.ts";

/** A program of the usual directories. */
export interface Program {
  readonly path: string;
  /** It runs as root whoever starts it: its setuid bit is set, the file is root's, and its mount allows it. */
  readonly setuid: boolean;
  /** It has file capabilities (capabilities(7)). */
  readonly capabilities: boolean;
}

/** The filesystem that a directory is on, or will be when it is made. */
export interface Place {
  readonly path: string;
  /** The nearest directory above that exists; `path` itself when it does. */
  readonly existing: string;
  /** `ext4`, `nfs4`, as in /proc/self/mountinfo; empty when it cannot be told. */
  readonly type: string;
  /** Options of the mount: `noexec`, `nodev`, `ro`. */
  readonly options: readonly string[];
  /** Bytes that this user may still write. */
  readonly free: number;
  readonly freeInodes: number;
  readonly writable: boolean;
  /** Permission bits of `existing`, and whose it is. */
  readonly mode: number;
  readonly uid: number;
}

export interface CgroupFacts {
  readonly version: "v1" | "v2";
  /** v1 with a v2 tree beside it. */
  readonly hybrid: boolean;
  /** Controllers of the kernel. */
  readonly available: readonly string[];
  /** Those that the user's manager has been handed; of root, all. */
  readonly delegated: readonly string[];
}

export interface Facts {
  /** On the host. Root's doctor asks about the system's wherry, anybody else's about the user's own. */
  readonly user: Owner;
  readonly programs: Readonly<Record<string, Program>>;
  /** Of /proc/sys, by name with dots; absent: this kernel has no such parameter. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** `6.1.0-13-amd64` */
  readonly kernel: string;
  /** Filesystems that the kernel has, or has a module for. */
  readonly filesystems: readonly string[];
  readonly tunDevice: boolean;
  readonly fuseDevice: boolean;
  readonly noNewPrivileges: boolean;
  readonly cgroups: CgroupFacts;
  /** Texts of /etc/subuid and /etc/subgid; empty when there is no such file. */
  readonly subordinate: { readonly uid: string; readonly gid: string };
  /** systemd is process 1; a manager of this user runs; it runs without a session too. */
  readonly systemd: boolean;
  readonly userManager: boolean;
  readonly lingering: boolean;
  /** Seconds until systemd kills what the user's manager has not ended, at a shutdown or the last logout. Absent: not asked, or not known. */
  readonly stopTimeout?: number;
  readonly durable: Place;
  readonly runtime: Place;
  /** The signature policy that skopeo reads (containers-policy.json(5)), and the default seccomp profile. */
  readonly policy: string | undefined;
  readonly seccompProfile: string | undefined;
  /** Infinity: not limited. */
  readonly openFiles: number;
}

/** One precondition. */
export interface Finding {
  /** What it is about, in two or three words. */
  readonly about: string;
  /** `missing`: pods cannot run without it. `warning`: something is less than it could be. */
  readonly level: "ok" | "warning" | "missing";
  /** What is. */
  readonly is: string;
  /** Commands that mend it, in their order. */
  readonly mend: readonly string[];
}

export const ok = (about: string, is: string): Finding => ({ about, level: "ok", is, mend: [] });
export const warning = (about: string, is: string, ...mend: readonly string[]): Finding => ({ about, level: "warning", is, mend });
export const missing = (about: string, is: string, ...mend: readonly string[]): Finding => ({ about, level: "missing", is, mend });

export const isRoot = ({ user }: Pick<Facts, "user">): boolean => user.uid === 0;
/** A command that only root may run, as this user would type it. */
export const asRoot = (facts: Pick<Facts, "user">, command: string): string => (isRoot(facts) ? command : `sudo ${command}`);

/** Sets a kernel parameter now and at every boot. */
export function sysctlCommand(facts: Pick<Facts, "user">, name: string, value: string): string {
  const file = `/etc/sysctl.d/90-${name.replaceAll(".", "-")}.conf`;
  return `echo ${name}=${value} | ${asRoot(facts, `tee ${file}`)} && ${asRoot(facts, `sysctl -p ${file}`)}`;
}
