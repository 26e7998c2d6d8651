/**
 * The OCI configuration of the first process of a PID namespace that the containers of a pod share: it takes in orphans,
 * as Kubernetes' pause does, and ends when it is told to. Pure.
 */
import type { OciConfig } from "../runtime/oci.ts";
import type { Users } from "./container.ts";
import { MASKED_PATHS, READONLY_PATHS } from "./defaults.ts";
import { mappingsOf, userNamespace } from "./users.ts";

export interface PauseInput {
  /** An empty directory. */
  readonly rootfs: string;
  /** Path of catatonit(1), a program that needs no libraries. */
  readonly program: string;
  readonly cgroupsPath: string;
  readonly lowestOomScoreAdj?: number;
  /** The pod's own user namespace, which is to own the PID namespace. */
  readonly users?: Users | undefined;
}

/** User and group of Kubernetes' pause. */
const NOBODY = 65_535;
/** kubelet `PodInfraOOMAdj`. */
const OOM_SCORE_ADJ = -998;

/** Rights to nothing, the host's network and names (which it never looks at), and a root filesystem of one file. */
export function pauseConfig({ rootfs, program, cgroupsPath, lowestOomScoreAdj = -1000, users }: PauseInput): OciConfig {
  const none: readonly string[] = [];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: NOBODY, gid: NOBODY },
      args: ["/pause", "-P"],
      env: [],
      cwd: "/",
      capabilities: { bounding: none, effective: none, permitted: none, inheritable: none, ambient: none },
      noNewPrivileges: true,
      oomScoreAdj: Math.max(OOM_SCORE_ADJ, lowestOomScoreAdj),
    },
    root: { path: rootfs, readonly: false },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=64k"] },
      { destination: "/pause", type: "bind", source: program, options: ["bind", "rprivate", "ro"] },
    ],
    annotations: {},
    linux: { namespaces: [{ type: "pid" }, { type: "mount" }, { type: "ipc" }, ...userNamespace(users)], ...mappingsOf(users), cgroupsPath, resources: { devices: [{ allow: false, access: "rwm" }] }, maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS },
  };
}
