/** Whom a file belongs to that is copied into a container. */
import { fail } from "../base/errors.ts";

export interface OwnerRequest {
  /** The user of the container's process, in the container. */
  readonly uid: number;
  readonly gid: number;
  /** The process's /proc/PID/uid_map and gid_map. */
  readonly uidMap: string;
  readonly gidMap: string;
  /** Nothing is kept. */
  readonly plain: boolean;
}

interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Owner (in numbers of the host) and mode as tar(1) would give them, run by the container's user: root keeps both, others own what they unpack. */
export function ownerFor({ uid, gid, uidMap, gidMap, plain }: OwnerRequest): (file: Ownership) => Ownership {
  const [uids, gids] = [mapping(uidMap), mapping(gidMap)];
  const keeps = uid === 0 && !plain;
  return (file) => ({ uid: uids(keeps ? file.uid : uid), gid: gids(keeps ? file.gid : gid), mode: keeps ? file.mode & 0o7777 : file.mode & 0o755 });
}

/** The host's ids of the container's root. */
export const rootOf = ({ uidMap, gidMap }: Pick<OwnerRequest, "uidMap" | "gidMap">): { readonly uid: number; readonly gid: number } => ({ uid: mapping(uidMap)(0), gid: mapping(gidMap)(0) });

/** The host's id for an id of the container's user namespace (user_namespaces(7)). Kind `failed` when there is none. */
function mapping(text: string): (id: number) => number {
  const ranges = text.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return (id) => {
    const [first = 0, host = 0] = ranges.find(([inside = 0, , length = 0]) => id >= inside && id < inside + length) ?? fail("failed", `Cannot copy a file of user or group ${id}: the container has no such id`, { hint: "use --no-preserve" });
    return host + id - first;
  };
}
