/** Subordinate ids: `subuid(5)`, `subgid(5)`, and the words of `newuidmap(1)`. Pure. */
import { fail } from "../base/errors.ts";
import type { IdRange, Owner } from "./rootless.ts";

/** The files, by what their ids are for. */
export const SUBORDINATE = { uid: "/etc/subuid", gid: "/etc/subgid" } as const;

/** What Debian's adduser gives; an image's users are below it. */
const ENOUGH = 65536;
/** Where useradd(8) begins to give (`SUB_UID_MIN` of login.defs(5)). */
const FIRST = 100_000;

/** The ranges that a file gives a user, by name or by number, in its order. */
export function rangesOf(text: string, { name, uid }: Owner): readonly IdRange[] {
  return lines(text).flatMap(([owner, range]) => (owner === name || owner === String(uid) ? [range] : []));
}

function lines(text: string): readonly (readonly [string, IdRange])[] {
  return text.split("\n").flatMap((line) => {
    const [, owner = "", start, count] = /^([^:#]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    return owner === "" || Number(count) === 0 ? [] : [[owner, { start: Number(start), count: Number(count) }] as const];
  });
}

/** The words for newuidmap or newgidmap: root inside is the user, then come the subordinate ids, one range after the other. */
export function mapWords(own: number, ranges: readonly IdRange[]): readonly string[] {
  let inside = 1;
  const rest = ranges.flatMap(({ start, count }) => {
    const words = [inside, start, count];
    inside += count;
    return words;
  });
  return [0, own, 1, ...rest].map(String);
}

/** Kind `unavailable` when a file gives the user nothing; the hint is the command that mends it. */
export function requireRanges(files: Readonly<Record<keyof typeof SUBORDINATE, string>>, owner: Owner): Readonly<Record<keyof typeof SUBORDINATE, readonly IdRange[]>> {
  const ranges = { uid: rangesOf(files.uid, owner), gid: rangesOf(files.gid, owner) };
  for (const kind of ["uid", "gid"] as const) {
    if (ranges[kind].length > 0) continue;
    fail("unavailable", `Cannot map the ids of user "${owner.name}": ${SUBORDINATE[kind]} gives it none, it should give ${ENOUGH}`, { code: "ENOSUBIDS", hint: addCommand(files, owner) });
  }
  return ranges;
}

/** The command that gives a user ids that nobody has yet. */
export function addCommand(files: Readonly<Record<keyof typeof SUBORDINATE, string>>, { name }: Owner): string {
  const start = Math.max(FIRST, ...[files.uid, files.gid].flatMap(lines).map(([, range]) => range.start + range.count));
  const range = `${start}-${start + ENOUGH - 1}`;
  return `sudo usermod --add-subuids ${range} --add-subgids ${range} ${name}`;
}
