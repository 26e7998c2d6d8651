/**
 * Where things are. `main.ts` makes the one `Paths` value from the environment and hands it down; nothing else
 * knows a directory. Root: /var/lib/wherry and /run/wherry. (architecture, section 3)
 */
export interface Paths {
  /** Durable: survives power cuts. `/var/lib/wherry` */
  readonly durable: string;
  /** Runtime, on tmpfs: lives exactly as long as the kernel objects. `/run/wherry` */
  readonly runtime: string;
  /** Container logs in CRI format. `/var/log/wherry` */
  readonly logs: string;
  /** argv that starts this program again: `["/usr/local/bin/wherry"]`, or bun and main.ts when not compiled. */
  readonly self: readonly string[];
  /** Set where an ordinary user's wherry is root in that user's namespaces; `uid` is the user's on the host. */
  readonly rootless?: { readonly uid: number };
}

export const durableDatabase = (paths: Paths): string => `${paths.durable}/wherry.db`;
export const runtimeDatabase = (paths: Paths): string => `${paths.runtime}/run.db`;

/** Everything of one running service: lock, socket, bundle of the service container. Service names are DNS labels. */
export const serviceDirectory = (paths: Paths, service: string): string => `${paths.runtime}/services/${service}`;
export const serviceLock = (paths: Paths, service: string): string => `${paths.runtime}/locks/${service}.lock`;
export const controlSocket = (paths: Paths, service: string): string => `${serviceDirectory(paths, service)}/control.sock`;

/** Everything of one pod, by uid: `netns`, `ipcns`, `utsns`, `userns`, `mapped/`, `shm/`, `hosts`, `resolv.conf`, `hostname`, `containers/<id>/`, and tmpfs volumes. */
export const podDirectory = (paths: Paths, uid: string): string => `${paths.runtime}/pods/${uid}`;
/** OCI bundle of one container: `config.json`, `rootfs/`, `exit`, `life`, `pid`, `conmon.pid`. */
export const bundleDirectory = (paths: Paths, uid: string, id: string): string => `${podDirectory(paths, uid)}/containers/${id}`;
/** Pod data that may be large, on disk: emptyDir volumes and the writable layers of its containers. */
export const podDiskDirectory = (paths: Paths, uid: string): string => `${paths.durable}/pods/${uid}`;
/** kubelet's layout: `<logs>/<namespace>_<pod>_<uid>/<container>/<restart>.log`. */
export const podLogDirectory = (paths: Paths, namespace: string, pod: string, uid: string): string =>
  `${paths.logs}/${namespace}_${pod}_${uid}`;
/** The uid in the name of a pod's log directory; undefined when it is not one. */
export const uidOfLogs = (name: string): string | undefined => /^[^_]+_[^_]+_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(name)?.[1];
/** State of the OCI runtime (`crun --root`). */
export const runtimeRoot = (paths: Paths): string => `${paths.runtime}/oci`;
/** Held by commands that start or take down a service while no supervisor runs; never by a supervisor. Taken before `serviceLock`. */
export const commandLock = (paths: Paths, service: string): string => `${paths.runtime}/locks/${service}.command`;
/** Held by units that are starting, of which only so many do at once (`supervisor/startTurn.ts`). */
export const startLock = (paths: Paths, slot: number): string => `${paths.runtime}/locks/start-${slot}`;
/** Of a user's namespaces: their holder, and what belongs to their network. */
export const rootlessDirectory = (runtime: string): string => `${runtime}/rootless`;
/** Bundle of the service container. */
export const serviceBundle = (paths: Paths, service: string): string => `${serviceDirectory(paths, service)}/container`;
/** What the supervisor says, in CRI format. */
export const serviceLog = (paths: Paths, service: string): string => `${serviceDirectory(paths, service)}/log`;
