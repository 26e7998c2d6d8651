/** Whether root is root of the host (`user_namespaces(7)`). */
import { readFileSync } from "node:fs";

/** Whether this process is in a user namespace of its own: ids are mapped, devices cannot be made, and the host's limits and keys are not ours. */
export function inUserNamespace(uidMap = readFileSync("/proc/self/uid_map", "utf8")): boolean {
  return uidMap.trim().split(/\s+/).join(" ") !== "0 0 4294967295";
}
