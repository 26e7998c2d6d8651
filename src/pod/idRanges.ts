/** Which user and group ids of the host pods may have as their own (subuid(5); KEP-127 "Configuration of ranges"). Pure. */

/** Ids of one pod, as the kubelet gives them: 0 to 65535 inside. */
export const IDS_PER_POD = 65_536;

/** Ids from `first` on. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** Whose subordinate ids are pods': the user that Podman's `--userns=auto` takes them from. */
const OWNER = "containers";
/**
 * Without such a user: ids that nobody gives to anything else. 0x70000000 is where systemd's ids of containers end, and
 * 0x7FFE0000 where its foreign ids begin (systemd's "Users, Groups, UIDs and GIDs").
 */
const UNUSED: IdRange = { first: 0x70000000, count: 0x7ffe0000 - 0x70000000 };

export interface IdFiles {
  /** Texts of /etc/subuid and /etc/subgid. */
  readonly subuid: string;
  readonly subgid: string;
  /** Texts of our own /proc/self/uid_map and gid_map: what is not in them cannot be given. */
  readonly uidMap: string;
  readonly gidMap: string;
}

/**
 * The ranges that pods may have, in the order in which they are given. Each is a range of users as well as of groups.
 * Of the ids of a user that others share the last come first: Podman begins with the first.
 */
export function rangesFor({ subuid, subgid, uidMap, gidMap }: IdFiles): readonly IdRange[] {
  const [users, groups] = [subordinates(subuid), subordinates(subgid)];
  const mapped = both(insideOf(uidMap), insideOf(gidMap));
  const [own, common] = [users.filter(isOwners), groups.filter(isOwners)];
  if (own.length > 0 || common.length > 0) return both(both(own, common), mapped).flatMap(blocks).toReversed();
  const given = [...users, ...groups];
  return both([UNUSED], mapped).flatMap(blocks).filter((block) => !given.some((other) => overlap(block, other)));
}

/** The first of the ranges that nobody has; undefined when all are taken. */
export const freeOf = (ranges: readonly IdRange[], isTaken: (first: number) => boolean): number | undefined => ranges.find(({ first }) => !isTaken(first))?.first;

interface Subordinates extends IdRange {
  readonly owner: string;
}

const isOwners = ({ owner }: Subordinates): boolean => owner === OWNER;

/** Lines `owner:first:count`. */
function subordinates(text: string): readonly Subordinates[] {
  return text.split("\n").flatMap((line) => {
    const [, owner = "", first, count] = /^([^:#]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    return owner === "" ? [] : [{ owner, first: Number(first), count: Number(count) }];
  });
}

/** The ids inside a user namespace, from the text of its map. */
function insideOf(map: string): readonly IdRange[] {
  return map.trim().split("\n").map((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return { first, count };
  });
}

/** What is in a range of both lists. */
function both(some: readonly IdRange[], others: readonly IdRange[]): readonly IdRange[] {
  return some.flatMap((one) => others.flatMap((other) => {
    const first = Math.max(one.first, other.first);
    const count = Math.min(endOf(one), endOf(other)) - first;
    return count > 0 ? [{ first, count }] : [];
  }));
}

/** As many ranges of one pod as fit in. Root of the host is in none of them. */
function blocks({ first, count }: IdRange): readonly IdRange[] {
  const from = Math.max(first, IDS_PER_POD);
  const many = Math.max(0, Math.floor((first + count - from) / IDS_PER_POD));
  return Array.from({ length: many }, (_, index) => ({ first: from + index * IDS_PER_POD, count: IDS_PER_POD }));
}

const endOf = ({ first, count }: IdRange): number => first + count;
const overlap = (one: IdRange, other: IdRange): boolean => one.first < endOf(other) && other.first < endOf(one);
