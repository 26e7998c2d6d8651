/** What this host can do, read from it once: the `HostLimits` that configurations are fitted to. */
import { existsSync, readFileSync } from "node:fs";
import { arch, release, totalmem } from "node:os";
import { messageOf, fail } from "../base/errors.ts";
import { cgroupHost, controllersBelow, directoriesOf, hardRlimits, lowestOomScoreAdj } from "../runtime/mod.ts";
import type { HostLimits } from "./container.ts";

/** Profiles of the administrator and of the package, the first that exists (`containers.conf(5)`). */
const SECCOMP_PROFILES = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];

/** `base`: the service's cgroup, after `enterCgroup`. Kind `unavailable` when the seccomp profile cannot be read. */
export function hostLimits(base: string): HostLimits {
  const { version } = cgroupHost();
  const lowest = lowestOomScoreAdj();
  return {
    hardRlimits: hardRlimits(),
    cgroupVersion: version,
    controllers: controllersBelow(base),
    seccompProfile: seccompProfile(),
    architecture: arch(),
    kernel: release(),
    memory: totalmem(),
    swapAccounting: directoriesOf(base).some((directory) => SWAP_FILES.some((file) => existsSync(`${directory}/${file}`))),
    ...(lowest === undefined ? {} : { lowestOomScoreAdj: lowest }),
  };
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
