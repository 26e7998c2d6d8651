/** The OCI configuration of a service container: the supervisor on the host itself, isolated from nothing. Pure. */
import type { OciConfig } from "../runtime/oci.ts";

export interface ServiceContainerInput {
  readonly args: readonly string[];
  /** `NAME=value`; the whole environment. */
  readonly env: readonly string[];
  /** A cgroup of its own: removing the container ends what is in it, and removes it. */
  readonly cgroupsPath: string;
  /** Those of the caller (`ownCapabilities()` of the runtime driver): without a list, crun and runc take all away. */
  readonly capabilities: readonly string[];
}

/** All capabilities of the caller, the host's namespaces and files, no filter. Runs under crun and runc. */
export function serviceContainerConfig({ args, env, cgroupsPath, capabilities }: ServiceContainerInput): OciConfig {
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args,
      env,
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] },
      noNewPrivileges: false,
    },
    root: { path: "/", readonly: false },
    mounts: [],
    annotations: {},
    linux: { namespaces: [], cgroupsPath, resources: { devices: [{ allow: true, access: "rwm" }] } },
  };
}
