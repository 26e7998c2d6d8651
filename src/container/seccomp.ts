/**
 * The seccomp profile of containers-common (`seccomp.json(5)`), which has conditions, made into the OCI runtime's
 * `linux.seccomp`, which has none.
 */
import { fail } from "../base/errors.ts";
import { at, numberAt, textAt, textsAt } from "../runtime/mod.ts";
import type { SecurityContext } from "../spec/spec.ts";
import type { HostLimits } from "./container.ts";

export interface SeccompTarget {
  /** As `process.arch`. */
  readonly architecture: string;
  /** The container's bounding set. */
  readonly capabilities: readonly string[];
  /** `6.1.0-13-amd64`; undefined: every `minKernel` is met. */
  readonly kernel: string | undefined;
}

/**
 * The filter of a container. Nothing said means RuntimeDefault, as for a kubelet with `--seccomp-default`; a privileged
 * container has none unless it asks for one of its own (containerd). Kind `failed` when the profile cannot be used.
 */
export function seccompOf({ privileged, seccompProfile }: SecurityContext, host: Pick<HostLimits, "seccompProfile" | "localSeccomp"> & SeccompTarget): unknown {
  if (privileged === true || seccompProfile?.type === "Unconfined") return undefined;
  if (seccompProfile?.type !== "Localhost") return ociSeccomp(host.seccompProfile, host);
  const profile = host.localSeccomp(seccompProfile.localhostProfile);
  if (textAt(profile, "defaultAction") === undefined) fail("failed", `Cannot use seccomp profile "${seccompProfile.localhostProfile}": it has no defaultAction, it must be a seccomp profile in JSON`);
  return at(profile, "archMap") === undefined ? profile : ociSeccomp(profile, host);
}

/** `process.arch` → the names in conditions (Go's) and in `archMap` (libseccomp's). */
const ARCHITECTURES: Readonly<Record<string, { readonly go: string; readonly scmp: string }>> = {
  x64: { go: "amd64", scmp: "SCMP_ARCH_X86_64" },
  arm64: { go: "arm64", scmp: "SCMP_ARCH_AARCH64" },
  arm: { go: "arm", scmp: "SCMP_ARCH_ARM" },
  riscv64: { go: "riscv64", scmp: "SCMP_ARCH_RISCV64" },
  ppc64: { go: "ppc64le", scmp: "SCMP_ARCH_PPC64LE" },
  s390x: { go: "s390x", scmp: "SCMP_ARCH_S390X" },
};

/** OCI `linux.seccomp`; undefined when there is no profile. */
export function ociSeccomp(profile: unknown, target: SeccompTarget): unknown {
  const defaultAction = textAt(profile, "defaultAction");
  if (defaultAction === undefined) return undefined;
  const { scmp = "" } = ARCHITECTURES[target.architecture] ?? {};
  const family = listAt(profile, "archMap").find((entry) => textAt(entry, "architecture") === scmp);
  const architectures = family === undefined ? [scmp].filter((name) => name !== "") : [scmp, ...textsAt(family, "subArchitectures")];
  return {
    defaultAction,
    ...optional("defaultErrnoRet", numberAt(profile, "defaultErrnoRet")),
    architectures,
    syscalls: listAt(profile, "syscalls").filter((rule) => applies(rule, target)).map(syscallOf),
  };
}

function applies(rule: unknown, { architecture, capabilities, kernel }: SeccompTarget): boolean {
  const go = ARCHITECTURES[architecture]?.go ?? architecture;
  const wanted = textsAt(rule, "includes", "arches");
  const needed = textsAt(rule, "includes", "caps");
  const since = textAt(rule, "includes", "minKernel");
  const until = textAt(rule, "excludes", "minKernel");
  return (
    (wanted.length === 0 || wanted.includes(go)) &&
    !textsAt(rule, "excludes", "arches").includes(go) &&
    needed.every((capability) => capabilities.includes(capability)) &&
    !textsAt(rule, "excludes", "caps").some((capability) => capabilities.includes(capability)) &&
    (since === undefined || reaches(kernel, since)) &&
    (until === undefined || !reaches(kernel, until))
  );
}

function reaches(kernel: string | undefined, version: string): boolean {
  if (kernel === undefined) return true;
  const [have, need] = [kernel, version].map((text) => /^(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number) ?? [0, 0]);
  const [major = 0, minor = 0] = have ?? [];
  const [needMajor = 0, needMinor = 0] = need ?? [];
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

function syscallOf(rule: unknown): unknown {
  const args = listAt(rule, "args").map((arg) => ({
    index: numberAt(arg, "index") ?? 0,
    value: numberAt(arg, "value") ?? 0,
    ...optional("valueTwo", numberAt(arg, "valueTwo") || undefined),
    op: textAt(arg, "op"),
  }));
  return {
    names: textsAt(rule, "names"),
    action: textAt(rule, "action"),
    ...optional("errnoRet", numberAt(rule, "errnoRet")),
    ...optional("args", args.length === 0 ? undefined : args),
  };
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const found = at(value, key);
  return Array.isArray(found) ? found : [];
}

const optional = (key: string, value: unknown): Readonly<Record<string, unknown>> => (value === undefined ? {} : { [key]: value });
