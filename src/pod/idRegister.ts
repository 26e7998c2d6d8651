/**
 * Which ids of the host pods have taken, of all wherrys on it, whatever their directories are: one link for each range,
 * named after its first id, that leads to the directory of its pod. When the pod's directory has gone, so has the claim.
 */
import { existsSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { fail, unless } from "../base/errors.ts";
import { ensureDirectory, readIfExists } from "../base/files.ts";
import { acquire } from "../base/locks.ts";
import { freeOf, type IdRange, rangesFor } from "./idRanges.ts";

export interface ClaimRequest {
  /** The pod's directory, which exists. */
  readonly owner: string;
  /** Ids that are recorded already: they are claimed again. */
  readonly recorded: number | undefined;
  /** Called with ids that nobody has, before they are claimed; it may throw. */
  readonly record: (first: number) => void;
}

/** On tmpfs, and one for the whole host. */
const REGISTER = "/run/lock/wherry-ids";

export interface IdRegister {
  /** Claims ids for a pod, and returns the first of them. Repeatable. Kind `unavailable`, in the kubelet's words, when all are taken. */
  claim(request: ClaimRequest): number;
  /** Gives ids back. Of somebody else they stay. */
  release(owner: string, first: number): void;
}

export interface RegisterOptions {
  readonly directory: string;
  readonly ranges: () => readonly IdRange[];
}

export const idRegister = ({ directory = REGISTER, ranges = hostRanges }: Partial<RegisterOptions> = {}): IdRegister => ({
  claim: (request) => locked(directory, () => claim({ directory, ranges }, request)),
  release: (owner, first) => locked(directory, () => {
    if (ownerOf(directory, first) === owner) rmSync(linkOf(directory, first), { force: true });
  }),
});

function claim({ directory, ranges }: RegisterOptions, { owner, recorded, record }: ClaimRequest): number {
  const taken = (first: number): boolean => {
    const other = ownerOf(directory, first);
    return other !== undefined && other !== owner && existsSync(other);
  };
  const kept = recorded !== undefined && !taken(recorded) ? recorded : undefined;
  const first = kept ?? freeOf(ranges(), taken) ?? fail("unavailable", "create user namespace: could not find an empty slot to allocate a user namespace", { code: "ENOIDS" });
  if (first !== recorded) record(first);
  rmSync(linkOf(directory, first), { force: true });
  symlinkSync(owner, linkOf(directory, first));
  return first;
}

const linkOf = (directory: string, first: number): string => `${directory}/${first}`;
const ownerOf = (directory: string, first: number): string | undefined => unless("ENOENT", () => readlinkSync(linkOf(directory, first)), undefined);

/** What is done is done in less than a millisecond. */
function locked<T>(directory: string, action: () => T): T {
  ensureDirectory(directory);
  using _ = acquire(`${directory}/lock`, { wait: true });
  return action();
}

function hostRanges(): readonly IdRange[] {
  const [subuid = "", subgid = "", uidMap = "", gidMap = ""] = ["/etc/subuid", "/etc/subgid", "/proc/self/uid_map", "/proc/self/gid_map"].map((path) => readIfExists(path));
  return rangesFor({ subuid, subgid, uidMap, gidMap });
}
