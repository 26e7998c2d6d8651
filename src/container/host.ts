/** What this host can do, read from it once: the `HostLimits` that configurations are fitted to. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { arch, release, totalmem } from "node:os";
import { messageOf, fail, unless } from "../base/errors.ts";
import { readIfExists } from "../base/files.ts";
import { inUserNamespace } from "../base/userNamespace.ts";
import { cgroupHost, controllersBelow, directoriesOf, hardRlimits, lowestOomScoreAdj, ownCapabilities } from "../runtime/mod.ts";
import type { AdmissionFacts } from "./admission.ts";
import { readCdi } from "./cdi.ts";
import type { HostLimits } from "./container.ts";
import { hostDevices } from "./hostDevices.ts";

/** Profiles of the administrator and of the package, the first that exists (`containers.conf(5)`). */
const SECCOMP_PROFILES = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];

/**
 * `base`: the service's cgroup, after `enterCgroup`; `policy`: the directory of the administrator's files, in which
 * `seccomp/` has the profiles of type Localhost. Kind `invalid` when one of them is wrong, `unavailable` when the default seccomp profile cannot be read.
 */
export function hostLimits(base: string, { policy }: { readonly policy: string }): HostLimits {
  const { version } = cgroupHost();
  const lowest = lowestOomScoreAdj();
  const pids = podPidsLimit(policy);
  return {
    hardRlimits: hardRlimits(),
    cgroupVersion: version,
    controllers: controllersBelow(base),
    seccompProfile: seccompProfile(),
    architecture: arch(),
    kernel: release(),
    memory: totalmem(),
    capabilities: ownCapabilities(),
    devices: hostDevices,
    cdi: readCdi,
    localSeccomp: (path) => localSeccomp(`${policy}/seccomp/${path}`),
    ...(appArmorEnforced() ? { appArmor: appArmorProfiles } : {}),
    seLinux: existsSync("/sys/fs/selinux/enforce"),
    userNamespace: inUserNamespace(),
    hugePageSizes: hugePageSizes(),
    swapAccounting: directoriesOf(base).some((directory) => SWAP_FILES.some((file) => existsSync(`${directory}/${file}`))),
    ...(pids === undefined ? {} : { podPidsLimit: pids }),
    ...(lowest === undefined ? {} : { lowestOomScoreAdj: lowest }),
  };
}

/** For `rejectionOf`. `allowed-unsafe-sysctls` of the policy's directory has a pattern on every line. */
export function admissionFacts(policy: string): AdmissionFacts {
  const lines = (readIfExists(`${policy}/allowed-unsafe-sysctls`) ?? "").split("\n").map((line) => line.replace(/#.*/, "").trim());
  return { appArmor: appArmorEnforced(), unsafeSysctls: lines.filter((line) => line !== "") };
}

/** `pod-pids-limit` of the policy's directory has a number; none, and -1 as the kubelet has it, mean no limit. */
export function podPidsLimit(policy: string): number | undefined {
  const text = readIfExists(`${policy}/pod-pids-limit`)?.trim() ?? "";
  if (text === "" || text === "-1") return undefined;
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : fail("invalid", `Cannot use "${policy}/pod-pids-limit": it has "${text}", and must have a number of processes`);
}

const appArmorEnforced = (): boolean => readIfExists("/sys/module/apparmor/parameters/enabled")?.trim() === "Y";

/** `NAME (enforce)` on every line. In a user namespace the list may not be read: there it counts as empty. */
export const appArmorProfiles = (list = "/sys/kernel/security/apparmor/profiles"): readonly string[] =>
  [...(unless("EACCES", () => readIfExists(list), "") ?? "").matchAll(/^(\S.*) \(\w+\)$/gm)].map(([, name = ""]) => name);

function localSeccomp(path: string): unknown {
  const text = readIfExists(path);
  if (text === undefined) fail("failed", `Cannot load seccomp profile "${path}": it does not exist`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    return fail("failed", `Cannot load seccomp profile "${path}": ${messageOf(cause)}`, { cause });
  }
}

/** /sys/kernel/mm/hugepages has a directory `hugepages-2048kB` for every size. */
function hugePageSizes(): readonly string[] {
  const names = unless("ENOENT", () => readdirSync("/sys/kernel/mm/hugepages"), []);
  return names.flatMap((name) => {
    const size = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
    return size >= 1024 * 1024 ? [`${size / (1024 * 1024)}Gi`] : size >= 1024 ? [`${size / 1024}Mi`] : size > 0 ? [`${size}Ki`] : [];
  });
}

const SWAP_FILES = ["memory.swap.max", "memory.memsw.limit_in_bytes"];

function seccompProfile(): unknown {
  const path = SECCOMP_PROFILES.find((each) => existsSync(each));
  if (path === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    return fail("unavailable", `Cannot read seccomp profile "${path}": ${messageOf(cause)}`, { cause });
  }
}
