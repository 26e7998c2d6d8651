/** How an ordinary user's command line goes on in the user's namespaces. */
import { readFileSync } from "node:fs";
import type { Paths } from "../base/paths.ts";
import { ownerOf } from "../rootless/owner.ts";
import type { Entry } from "../rootless/rootless.ts";
import { OUTSIDE_SETUP } from "../network/outsideWords.ts";
import { intoManager, isManaged, userRuntime } from "../systemd/scope.ts";
import type { EnterOptions } from "./context.ts";

export interface EntryRequest extends EnterOptions, Pick<Entry, "argv" | "cwd" | "env"> {
  readonly uid: number;
  readonly home: string;
}

/** The entry of a command line; nothing is made by it. */
export function entryOf(paths: Paths, { uid, home, scope, standing = false, argv, cwd, env }: EntryRequest): Entry {
  const through = scope && isManaged({ uid }) ? intoManager({ uid, procCgroup: readFileSync("/proc/self/cgroup", "utf8"), runtime: env["XDG_RUNTIME_DIR"] }) : [];
  return { owner: ownerOf(uid), runtime: paths.runtime, argv, through, allowed: () => requireHost(paths, { uid, home }), standing, cwd, env: through.length === 0 ? env : { ...env, XDG_RUNTIME_DIR: userRuntime(uid) }, setUp: OUTSIDE_SETUP };
}

/** Loaded only when namespaces have to be made. */
async function requireHost(paths: Paths, user: { readonly uid: number; readonly home: string }): Promise<void> {
  const [{ gatherFacts }, { requireNamespaces }] = await Promise.all([import("./doctor/gather.ts"), import("./doctor/lacks.ts")]);
  requireNamespaces(gatherFacts(paths, user));
}
