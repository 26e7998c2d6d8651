/** Scopes of what belongs to all services of a user, and to none of them. */
import { existsSync } from "node:fs";
import { NAMESPACES_SCOPE, type Owner, SERVICES_SLICE } from "./rootless.ts";

/**
 * argv to put in front of another, which then runs in a scope of its own: the cgroup of a unit or a session would end it
 * with itself, or be kept alive by it. Empty where the user has no manager. `part`: of which of several things it is.
 */
export function ownScope({ uid }: Pick<Owner, "uid">, part: "" | "-outside" = ""): readonly string[] {
  const manager = `/run/user/${uid}`;
  if (!existsSync(`${manager}/systemd/private`)) return [];
  const unit = `${NAMESPACES_SCOPE}${crypto.getRandomValues(Buffer.alloc(4)).toString("hex")}${part}.scope`;
  const words = ["--scope", "--quiet", "--collect", `--unit=${unit}`, "--description=Namespaces of this user's wherry services", `--property=Before=${SERVICES_SLICE}`];
  return ["env", `XDG_RUNTIME_DIR=${manager}`, "systemd-run", "--user", ...words, "--"];
}
