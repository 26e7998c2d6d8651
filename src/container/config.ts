/** The OCI configuration of a container (runtime-spec config.md). Pure. */
import type { OciConfig, OciLinux, OciResources } from "../runtime/oci.ts";
import type { SecurityContext } from "../spec/spec.ts";
import { cdiNames, withCdi } from "./cdi.ts";
import type { ConfigInput, ConfigResult, Device } from "./container.ts";
import { MASKED_PATHS, READONLY_PATHS } from "./defaults.ts";
import { seLinuxLabels } from "./labels.ts";
import { hostMounts, mountsOf, rootfsPropagation } from "./mounts.ts";
import { processOf } from "./process.ts";
import { checkMapped, mappingsOf, userNamespace } from "./users.ts";
import { resourcesOf } from "./resources.ts";
import { seccompOf } from "./seccomp.ts";
import { capabilitiesOf, effectiveSecurity } from "./security.ts";

/**
 * Defaults are in `defaults.ts`, limits in `resources.ts`, the command in `process.ts`. There is no `hostname`: the
 * pod's UTS namespace has it already, and the host's must not be changed. Kind `invalid` when there is nothing to run.
 */
export function ociConfig(input: ConfigInput): ConfigResult {
  checkMapped(input);
  const { resources, warnings } = resourcesOf(input);
  const { host } = input;
  const security = effectiveSecurity(input.pod, input.container);
  const { given, missing } = capabilitiesOf(security, host.capabilities);
  const seccomp = seccompOf(security, { ...host, kernel: host.kernel, capabilities: given });
  const labels = seLinuxLabels(security, host);
  const privileged = security.privileged === true;
  const bare = privileged || security.procMount === "Unmasked";
  const config: OciConfig = {
    ociVersion: "1.0.2",
    process: processOf(input),
    root: { path: input.rootfs, readonly: security.readOnlyRootFilesystem === true },
    mounts: mountsOf(input.binds, { writable: privileged, fromHost: hostMounts(input) }),
    annotations: {},
    linux: {
      namespaces: [...namespacesOf(input), ...userNamespace(input.users)],
      ...mappingsOf(input.users),
      cgroupsPath: input.cgroupsPath,
      resources: withDevices(resources, input.devices ?? []),
      ...rootfsPropagation(input.binds),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...devicesOf(input, privileged),
      ...sysctlsOf(input),
      ...(labels === undefined ? {} : { mountLabel: labels.mount }),
      maskedPaths: bare ? [] : MASKED_PATHS,
      readonlyPaths: bare ? [] : READONLY_PATHS,
    },
  };
  const names = cdiNames(input.container);
  return { config: names.length === 0 ? config : withCdi(config, names, { specs: host.cdi(), bound: host.userNamespace === true || input.users !== undefined }), warnings: [...warnings, ...missing.map((name) => `Cannot give ${name} to container "${input.container.name}": wherry itself does not hold it`), ...idleLabels(security, input)] };
}

/** Set anew by every container in the namespaces that all share: they are there before the first of them runs. */
function sysctlsOf({ pod }: ConfigInput): Pick<OciLinux, "sysctl"> {
  const sysctls = pod.spec.securityContext?.sysctls ?? [];
  return sysctls.length === 0 ? {} : { sysctl: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])) };
}

function idleLabels({ seLinuxOptions }: SecurityContext, { host, container }: ConfigInput): readonly string[] {
  return seLinuxOptions === undefined || host.seLinux ? [] : [`Cannot label container "${container.name}" by its seLinuxOptions: the kernel enforces no SELinux`];
}

/** Nodes that the runtime makes: of the volumes of block devices, and of all of the host for a privileged container. */
function devicesOf({ devices = [], host }: ConfigInput, privileged: boolean): Pick<OciLinux, "devices"> {
  const nodes = devices.map(({ path, major, minor }) => ({ path, type: "b" as const, major, minor, fileMode: 0o660, uid: 0, gid: 0 }));
  const all = privileged ? [...host.devices(), ...nodes] : nodes;
  return all.length === 0 ? {} : { devices: all };
}

/** Devices are denied unless they are allowed. */
function withDevices(resources: OciResources, devices: readonly Device[]): OciResources {
  const rules = devices.map(({ major, minor, readOnly }) => ({ allow: true, type: "b", major, minor, access: readOnly ? "rm" : "rwm" }));
  return { ...resources, devices: [...(resources.devices ?? []), ...rules] };
}

/** The pod's network, IPC and UTS namespaces by path; none means the host's. On v1 a cgroup namespace would hide nothing. */
function namespacesOf({ namespaces: { network, ipc, uts, pid }, host, pod }: ConfigInput): OciLinux["namespaces"] {
  return [
    ...(pid !== undefined ? [{ type: "pid", path: pid } as const] : pod.spec.hostPID === true ? [] : [{ type: "pid" } as const]),
    { type: "mount" },
    ...(ipc === undefined ? [] : [{ type: "ipc", path: ipc } as const]),
    ...(network === undefined ? [] : [{ type: "network", path: network } as const]),
    ...(uts === undefined ? [] : [{ type: "uts", path: uts } as const]),
    ...(host.cgroupVersion === "v2" ? [{ type: "cgroup" } as const] : []),
  ];
}
