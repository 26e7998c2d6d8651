/** The OCI configuration of a container (runtime-spec config.md). Pure. */
import type { OciConfig, OciLinux } from "../runtime/oci.ts";
import type { ConfigInput, ConfigResult } from "./container.ts";
import { DEFAULT_CAPABILITIES, MASKED_PATHS, READONLY_PATHS } from "./defaults.ts";
import { mountsOf } from "./mounts.ts";
import { processOf } from "./process.ts";
import { resourcesOf } from "./resources.ts";
import { ociSeccomp } from "./seccomp.ts";

/**
 * Defaults are in `defaults.ts`, limits in `resources.ts`, the command in `process.ts`. There is no `hostname`: the
 * pod's UTS namespace has it already, and the host's must not be changed. Kind `invalid` when there is nothing to run.
 */
export function ociConfig(input: ConfigInput): ConfigResult {
  const { resources, warnings } = resourcesOf(input);
  const { host } = input;
  const seccomp = ociSeccomp(host.seccompProfile, { architecture: host.architecture, capabilities: DEFAULT_CAPABILITIES, kernel: host.kernel });
  const config: OciConfig = {
    ociVersion: "1.0.2",
    process: processOf(input),
    root: { path: input.rootfs, readonly: false },
    mounts: mountsOf(input.binds),
    annotations: {},
    linux: {
      namespaces: namespacesOf(input),
      cgroupsPath: input.cgroupsPath,
      resources,
      ...(seccomp === undefined ? {} : { seccomp }),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
  return { config, warnings };
}

/** The pod's network, IPC and UTS namespaces by path; none means the host's. On v1 a cgroup namespace would hide nothing. */
function namespacesOf({ namespaces: { network, ipc, uts }, host }: ConfigInput): OciLinux["namespaces"] {
  return [
    { type: "pid" },
    { type: "mount" },
    { type: "ipc", path: ipc },
    ...(network === undefined ? [] : [{ type: "network", path: network } as const]),
    ...(uts === undefined ? [] : [{ type: "uts", path: uts } as const]),
    ...(host.cgroupVersion === "v2" ? [{ type: "cgroup" } as const] : []),
  ];
}
