/** The devices of the host, as a privileged container gets them. */
import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { unless } from "../base/errors.ts";
import type { OciDevice } from "../runtime/oci.ts";

/** Every container has its own (containerd `pkg/oci`, `HostDevices`). */
const OWN = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx"]);
const PERMISSIONS = 0o7777;

/** All device files below a directory, `/dev`. What goes away meanwhile is left out. */
export function hostDevices(directory = "/dev"): readonly OciDevice[] {
  const entries = unless("ENOENT", () => readdirSync(directory, { withFileTypes: true }), []);
  return entries.filter(({ name }) => !OWN.has(name)).flatMap((entry) => devicesAt(directory, entry));
}

function devicesAt(directory: string, entry: Dirent): readonly OciDevice[] {
  const path = `${directory}/${entry.name}`;
  if (entry.isDirectory()) return hostDevices(path);
  return entry.isBlockDevice() || entry.isCharacterDevice() ? (deviceAt(path) ?? []) : [];
}

/** A device file as the OCI runtime makes another of it; undefined when it is none. `path` is followed by nobody. */
export function deviceAt(path: string): readonly [OciDevice] | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isBlockDevice() || found.isCharacterDevice())) return undefined;
  const [major, minor] = numbersOf(BigInt(found.rdev));
  return [{ path, type: found.isBlockDevice() ? "b" : "c", major, minor, fileMode: found.mode & PERMISSIONS, uid: found.uid, gid: found.gid }];
}

/** glibc's `major(3)` and `minor(3)`. */
function numbersOf(device: bigint): readonly [number, number] {
  return [Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)), Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n))];
}
