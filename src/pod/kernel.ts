/** What pods ask of the kernel directly: a value, so that the tests of this folder can stand in for it. */
import { ensureDirectory } from "../base/files.ts";
import { mount, MS_NODEV, MS_NOEXEC, MS_NOSUID, unmount } from "../base/libc.ts";
import { makeNamespaces, namespacesStand, removeNamespaces } from "../network/namespaces.ts";
import { limitCgroup } from "../runtime/cgroupLimits.ts";
import { killCgroup } from "../runtime/cgroupProcesses.ts";
import { removeCgroup } from "../runtime/cgroupTree.ts";
import { mountImage } from "../storage/imageVolume.ts";
import { mountRootfs, unmountRootfs } from "../storage/rootfs.ts";

export interface Kernel {
  readonly makeNamespaces: typeof makeNamespaces;
  readonly removeNamespaces: typeof removeNamespaces;
  readonly namespacesStand: typeof namespacesStand;
  /** A new, empty /dev/shm at `path`. */
  readonly mountShm: (path: string) => void;
  readonly unmountShm: (path: string) => void;
  readonly mountRootfs: typeof mountRootfs;
  readonly unmountRootfs: typeof unmountRootfs;
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
  removeNamespaces,
  namespacesStand,
  mountShm(path) {
    unmount(path);
    ensureDirectory(path, 0o1777);
    mount("shm", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, `mode=1777,size=${SHM_SIZE}`);
  },
  unmountShm: (path) => void unmount(path),
  mountRootfs,
  unmountRootfs,
  limitCgroup,
  mountImage,
  async removeCgroup(path) {
    await killCgroup(path);
    await removeCgroup(path);
  },
};
