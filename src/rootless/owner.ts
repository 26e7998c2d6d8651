/** The ordinary user by number. */
import { userOf } from "../base/users.ts";
import type { Owner } from "./rootless.ts";

/** A user whom no database of users knows is called by number. */
export const ownerOf = (uid: number): Owner => ({ uid, ...(userOf(uid) ?? { name: String(uid), gid: process.getgid?.() ?? uid }) });
