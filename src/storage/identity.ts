/** Who a container's process is: `USER` of an image, looked up in the image's own files, as Docker and CRI runtimes do. */
import { fail } from "../base/errors.ts";
import { readBelow } from "./readBelow.ts";
import { RESOLVE } from "./syscalls.ts";

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** A hostile image must not make us read for ever. */
const LARGEST = 16 * 1024 * 1024;

/**
 * The identity of `user` (`name`, `uid`, `name:group`, `uid:gid`, or empty for root) in the mounted root filesystem.
 * A number need not be in the files. Kind `invalid` when a name is not.
 */
export function lookupIdentity(rootfs: string, user: string): Identity {
  return identityOf(user, { passwd: readInside(rootfs, "etc/passwd"), group: readInside(rootfs, "etc/group") });
}

/** `lookupIdentity` on the texts of the files (`passwd(5)`, `group(5)`). Pure. */
export function identityOf(user: string, files: { readonly passwd: string; readonly group: string }): Identity {
  const [name = "", group = ""] = user.split(":", 2);
  const entry = rows(files.passwd, 7).find((row) => (name === "" ? row[2] === "0" : row[0] === name || row[2] === name));
  const uid = entry === undefined ? numberOr(name === "" ? "0" : name, () => unknown(user, "user", name)) : number(entry[2]);
  const groups = rows(files.group, 4);
  const home = entry?.[5] || "/";
  if (group !== "") {
    const found = groups.find((row) => row[0] === group || row[2] === group);
    return { uid, gid: found === undefined ? numberOr(group, () => unknown(user, "group", group)) : number(found[2]), additionalGids: [], home };
  }
  const member = entry?.[0];
  const additionalGids = groups.filter((row) => member !== undefined && (row[3] ?? "").split(",").includes(member)).map((row) => number(row[2]));
  return { uid, gid: number(entry?.[3]), additionalGids: [...new Set(additionalGids)], home };
}

/** Lines with at least the name and the number; comments and broken lines are passed over. */
function rows(text: string, columns: number): readonly (readonly string[])[] {
  return text.split("\n").map((line) => line.trim().split(":", columns)).filter((row) => row.length >= 3 && isNumber(row[2] ?? ""));
}

const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) <= 0x7fffffff;
const number = (text: string | undefined): number => (isNumber(text ?? "") ? Number(text) : 0);
const numberOr = (text: string, otherwise: () => never): number => (isNumber(text) ? Number(text) : otherwise());

function unknown(user: string, what: string, name: string): never {
  fail("invalid", `Cannot use "${user}" as the user of the container: the image has no ${what} "${name}"`);
}

/** Links are resolved as inside the root filesystem. */
const readInside = (rootfs: string, path: string): string => readBelow(rootfs, path, { resolve: RESOLVE.inRoot, largest: LARGEST, name: `"/${path}" of the image` }) ?? "";
