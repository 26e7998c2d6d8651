/** Scopes of what belongs to all services of a user, and to none of them. */
import { existsSync } from "node:fs";
import { readIfExists } from "../base/files.ts";
import { livingProcess } from "../base/pidFile.ts";
import { NAMESPACES_SCOPE, type Owner, rootlessDirectory, SERVICES_SLICE } from "./rootless.ts";

/**
 * argv to put in front of another, which then runs in a scope of its own: the cgroup of a unit or a session would end it
 * with itself, or be kept alive by it. Empty where the user has no manager. `part`: of which of several things it is.
 */
export function ownScope({ uid }: Pick<Owner, "uid">, part: "" | "-outside" | "-filesystem" = ""): readonly string[] {
  const manager = `/run/user/${uid}`;
  if (!existsSync(`${manager}/systemd/private`)) return [];
  const unit = `${NAMESPACES_SCOPE}${crypto.getRandomValues(Buffer.alloc(4)).toString("hex")}${part}.scope`;
  const words = ["--scope", "--quiet", "--collect", `--unit=${unit}`, "--description=Namespaces of this user's wherry services", `--property=Before=${SERVICES_SLICE}`];
  return ["env", `XDG_RUNTIME_DIR=${manager}`, "systemd-run", "--user", ...words, "--"];
}

/** Moves itself into the cgroup whose file `$0` is, where that is possible, and becomes the other words. */
const INTO_CGROUP = 'echo 0 >"$0" || :; exec "$@"';

/**
 * argv to put in front of another, of a process inside that must outlive the service or command which starts it: it then
 * runs in the scope of the holder, which ends after all services; in one of its own when the holder has been killed.
 */
export function besideHolder({ uid, runtime }: Pick<Owner, "uid"> & { readonly runtime: string }): readonly string[] {
  const holder = livingProcess(`${rootlessDirectory(runtime)}/holder`);
  if (holder === undefined) return ownScope({ uid }, "-filesystem");
  const cgroup = /^0::(\/.*)$/m.exec(readIfExists(`/proc/${holder}/cgroup`) ?? "")?.[1];
  const tree = existsSync("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
  return cgroup === undefined ? [] : ["/bin/sh", "-c", INTO_CGROUP, `${tree}${cgroup}/cgroup.procs`];
}
