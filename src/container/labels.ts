/** SELinux labels of a container (`seLinuxOptions`), with what is not said as container-selinux has it. Pure. */
import type { SecurityContext } from "../spec/spec.ts";
import type { HostLimits } from "./container.ts";

export interface Labels {
  readonly process: string;
  /** Of the files of its root filesystem. */
  readonly mount: string;
}

/** Undefined when the kernel enforces no SELinux, when none is asked for, and for a privileged container without options. */
export function seLinuxLabels({ seLinuxOptions }: SecurityContext, { seLinux }: Pick<HostLimits, "seLinux">): Labels | undefined {
  if (!seLinux || seLinuxOptions === undefined) return undefined;
  const { user = "system_u", role = "system_r", type = "container_t", level = "s0" } = seLinuxOptions;
  return { process: `${user}:${role}:${type}:${level}`, mount: `${user}:object_r:container_file_t:${level}` };
}
