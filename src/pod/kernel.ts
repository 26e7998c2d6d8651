/** What pods ask of the kernel directly: a value, so that the tests of this folder can stand in for it. */
import { dirname } from "node:path";
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_NODEV, MS_NOEXEC, MS_NOSUID, unmount } from "../base/libc.ts";
import { isExiting } from "../base/pidFile.ts";
import { makeUserNamespaces } from "../network/userNamespace.ts";
import { makeNamespaces, namespacesStand, removeNamespaces } from "../network/namespaces.ts";
import { limitCgroup } from "../runtime/cgroupLimits.ts";
import { killCgroup } from "../runtime/cgroupProcesses.ts";
import { removeCgroup, removeScopeIfEmpty } from "../runtime/cgroupTree.ts";
import type { fuseEnd } from "../storage/fuseOverlay.ts";
import { mountImage } from "../storage/imageVolume.ts";
import { mountRootfs, unmountRootfs } from "../storage/rootfs.ts";
import { type IdRegister, idRegister } from "./idRegister.ts";

export interface Kernel {
  readonly makeNamespaces: (...request: Parameters<typeof makeNamespaces>) => void | Promise<void>;
  readonly makeUserNamespaces: typeof makeUserNamespaces;
  readonly removeNamespaces: typeof removeNamespaces;
  readonly namespacesStand: typeof namespacesStand;
  /** Which ids of the host are whose. */
  readonly ids: IdRegister;
  /** A new, empty /dev/shm at `path`, that belongs to a user of the host. */
  readonly mountShm: (path: string, owner: number) => void;
  readonly unmountShm: (path: string) => void;
  readonly mountRootfs: typeof mountRootfs;
  readonly unmountRootfs: typeof unmountRootfs;
  /** Resolves with true when a mounted root filesystem has ended by itself; absent where none can. As `fuseEnd`. */
  readonly rootfsEnd?: typeof fuseEnd;
  readonly isExiting: typeof isExiting;
  readonly limitCgroup: typeof limitCgroup;
  /** The content of an image, read-only; `removePodVolumes` takes it away. */
  readonly mountImage: typeof mountImage;
  /** Ends what runs in a cgroup and removes it; absent is success. */
  readonly removeCgroup: (path: string) => Promise<void>;
}

/** Size of a pod's /dev/shm, as CRI runtimes make it. */
const SHM_SIZE = "65536k";

export const kernel: Kernel = {
  makeNamespaces,
  makeUserNamespaces,
  removeNamespaces,
  namespacesStand,
  ids: idRegister(),
  mountShm(path, owner) {
    unmount(path);
    ensureDirectory(path, 0o1777);
    mount("shm", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, `mode=1777,size=${SHM_SIZE},uid=${owner},gid=${owner}`);
  },
  unmountShm: (path) => void unmount(path),
  mountRootfs,
  unmountRootfs,
  isExiting,
  limitCgroup,
  mountImage,
  async removeCgroup(path) {
    await killCgroup(path);
    await removeCgroup(path);
    // A container that was started after its scope had ended has made that cgroup again, and its manager knows of none
    if (dirname(path).endsWith(".scope")) await removeScopeIfEmpty(dirname(path));
  },
};
