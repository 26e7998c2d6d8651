/** What a container gets of its pod's volumes and files: mounts and devices. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { fail } from "../base/errors.ts";
import { podDirectory } from "../base/paths.ts";
import type { Bind, Device } from "../container/container.ts";
import type { Container, ContainerId, Volume, VolumeDevice, VolumeMount } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import { type Idmapped, openIdmapped, optionsAt } from "../storage/idmapped.ts";
import { propagationOf, type MountPropagation } from "../storage/mounts.ts";
import { openSubPath, type SubPath } from "../storage/subPath.ts";
import { claimOf, isClaim, pathOf } from "./claims.ts";
import type { PodHost } from "./pod.ts";
import { isProjected } from "./projectedFiles.ts";
import { terminationBind } from "./terminationMessage.ts";
import { mappedAt, usersOf } from "./users.ts";
import { volumeDirectory, volumeOf } from "./volumes.ts";

/** Mounts and devices of a container. Sources of subPaths are held open: dispose when the OCI runtime has created the container. */
export interface Binds extends Disposable {
  readonly binds: readonly Bind[];
  readonly devices: readonly Device[];
}

export interface BindRequest {
  readonly container: Container;
  /** Its start. */
  readonly id: ContainerId;
  /** The container's environment, for `subPathExpr`. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** Kernel release of the host; undefined: new enough. */
  readonly kernel?: string | undefined;
}

/** Fails with kind `invalid` for what cannot be mounted as asked. */
export function bindsOf(host: PodHost, record: PodRecord, request: BindRequest): Binds {
  const open: (SubPath | Idmapped)[] = [];
  const dispose = (): void => open.toReversed().forEach((each) => each[Symbol.dispose]());
  try {
    const { volumeMounts, volumeDevices = [] } = request.container;
    const binds = volumeMounts.map((mount, index) => bindOf(host, record, { ...request, mount, index, open }));
    const devices = volumeDevices.map((device) => deviceOf(host, record, device));
    const all = [...podBinds(host, record, request.container), ...binds, ...terminationBind(host, record, request)];
    return { binds: mapped(host, record, { sources: all, container: request.container, open }), devices, [Symbol.dispose]: dispose };
  } catch (thrown) {
    dispose();
    throw thrown;
  }
}

interface Mounting extends BindRequest {
  readonly mount: VolumeMount;
  readonly index: number;
  readonly open: (SubPath | Idmapped)[];
}

interface Source extends Bind {
  /** It has the pod's own ids already. */
  readonly own?: boolean;
}

/** For a pod with a user namespace of its own: every source mounted anew with its ids. */
function mapped(host: PodHost, record: PodRecord, { sources, container, open }: Pick<Mounting, "container" | "open"> & { readonly sources: readonly Source[] }): readonly Bind[] {
  const users = usersOf(host, record);
  return sources.map(({ own = false, ...bind }, index) => {
    if (users === undefined) return bind;
    if (bind.propagation === "rshared") fail("invalid", `Cannot mount "${bind.destination}" with mountPropagation Bidirectional: the pod has hostUsers false, and the host never sees mounts of another user namespace`);
    if (own) return { ...bind, options: optionsAt(bind.source) };
    const found = openIdmapped(bind.source, { at: mappedAt(host, record, `${container.name}.${index}`), users: users.path, recursive: bind.recursive });
    open.push(found);
    return { ...bind, source: found.source, options: found.options };
  });
}

function bindOf(host: PodHost, record: PodRecord, mounting: Mounting): Source {
  const { mount, container, index, open } = mounting;
  const volume = volumeOf(record, mount.name);
  if (isClaim(volume) && claimOf(host, record, volume).volume.spec.volumeMode === "Block") {
    fail("invalid", `Cannot mount volume "${mount.name}": it has volumeMode Block, but is specified in volumeMounts`);
  }
  const directory = volumeDirectory(host, record, volume);
  const readOnly = mount.readOnly || isReadOnly(volume);
  const path = subPathOf(mounting);
  const rest = { destination: mount.mountPath, readOnly, recursive: !isProjected(volume), ...propagationAsked(mount, directory), readOnlyBelow: isReadOnlyBelow(mounting), own: "image" in volume };
  if (path === "") return { source: directory, ...rest };
  const found = openSubPath(directory, path, { at: `${podDirectory(host.paths, record.uid)}/subpaths/${container.name}-${index}` });
  open.push(found);
  return { source: found.source, ...rest };
}

const isReadOnly = (volume: Volume): boolean => isProjected(volume) || "image" in volume || ("persistentVolumeClaim" in volume && volume.persistentVolumeClaim.readOnly);

/** `subPath`, or `subPathExpr` with every variable of it replaced (kubelet `ExpandContainerVolumeMounts`). */
export function subPathOf({ mount, env }: Pick<Mounting, "mount" | "env">): string {
  if (mount.subPathExpr === undefined || mount.subPathExpr === "") return mount.subPath ?? "";
  const values = new Map(env.map(({ name, value }) => [name, value]));
  const path = mount.subPathExpr.replace(/\$\$|\$\(([^)]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return found === "$$" ? "$" : found;
    return values.get(name) ?? fail("invalid", `Cannot expand subPathExpr "${mount.subPathExpr}" of volume "${mount.name}": missing value for "${name}"`);
  });
  if (path.startsWith("/") || path.split("/").includes("..")) fail("invalid", `Cannot use subPathExpr "${mount.subPathExpr}" of volume "${mount.name}": it is "${path}", it must be a relative path without '..'`);
  return path;
}

/** Linux that has mount_setattr(2), which makes mounts read-only with all that is below them. */
const SETATTR_SINCE = [5, 12] as const;

function isReadOnlyBelow({ mount, kernel }: Mounting): boolean {
  const { recursiveReadOnly = "Disabled" } = mount;
  if (recursiveReadOnly === "Disabled") return false;
  const [major = 99, minor = 0] = (kernel ?? "99").split(/[.-]/).map(Number);
  if (major > SETATTR_SINCE[0] || (major === SETATTR_SINCE[0] && minor >= SETATTR_SINCE[1])) return true;
  if (recursiveReadOnly === "IfPossible") return false;
  return fail("invalid", `Cannot mount volume "${mount.name}" with recursiveReadOnly Enabled: the kernel cannot, it should be Linux ${SETATTR_SINCE.join(".")} or later`);
}

const PROPAGATION = { None: "rprivate", HostToContainer: "rslave", Bidirectional: "rshared" } as const;
const ENOUGH: Readonly<Record<keyof typeof PROPAGATION, readonly MountPropagation[]>> = {
  None: ["private", "slave", "shared"],
  HostToContainer: ["slave", "shared"],
  Bidirectional: ["shared"],
};

/** Mounts can be seen on the other side only when the host's own mount lets them through (containerd `ensureShared`). */
function propagationAsked({ mountPropagation = "None", name }: VolumeMount, source: string): Pick<Bind, "propagation"> {
  if (mountPropagation === "None") return {};
  const { point, propagation } = propagationOf(readFileSync("/proc/self/mountinfo", "utf8"), realpathSync(source));
  if (ENOUGH[mountPropagation].includes(propagation)) return { propagation: PROPAGATION[mountPropagation] };
  return fail("failed", `Cannot mount volume "${name}" with mountPropagation ${mountPropagation}: path "${source}" is mounted on "${point}" but it is not a ${mountPropagation === "Bidirectional" ? "shared" : "shared or slave"} mount`, {
    hint: `mount --make-shared ${point}`,
  });
}

/** Fails in the kubelet's words when the volume is no block device. */
function deviceOf(host: PodHost, record: PodRecord, { name, devicePath }: VolumeDevice): Device {
  const volume = volumeOf(record, name);
  if (!isClaim(volume) || claimOf(host, record, volume).volume.spec.volumeMode !== "Block") {
    fail("invalid", `Cannot map device "${name}": it has volumeMode Filesystem, but is specified in volumeDevices`);
  }
  const source = pathOf(claimOf(host, record, volume));
  const { rdev } = statSync(source);
  return { path: devicePath, major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00), readOnly: isReadOnly(volume) };
}

/** What every container of the pod gets, unless the container mounts something of its own there. */
function podBinds(host: PodHost, record: PodRecord, container: Container): readonly Source[] {
  const directory = podDirectory(host.paths, record.uid);
  const files = ["hosts", "resolv.conf", "hostname"].map((name): Bind => ({ source: `${directory}/${name}`, destination: `/etc/${name}`, readOnly: false, recursive: false }));
  const shm: Source = { source: record.pod.spec.hostIPC === true ? "/dev/shm" : `${directory}/shm`, destination: "/dev/shm", readOnly: false, recursive: false, own: true };
  const own = new Set(container.volumeMounts.map(({ mountPath }) => mountPath.replace(/\/+$/, "")));
  return [...files, shm].filter(({ destination }) => !own.has(destination));
}
