/** What is different where this process is root in a user namespace only (`user_namespaces(7)`). */
import { readFileSync } from "node:fs";

/** Whether this process is in a user namespace of its own: ids are mapped, and devices cannot be made. */
export function inUserNamespace(): boolean {
  return readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/).join(" ") !== "0 0 4294967295";
}

/** How overlayfs's own attributes begin: those of `trusted` need power over the whole host (kernel `overlayfs.rst`, "User xattr"). */
export const overlayAttributes = (): "user.overlay." | "trusted.overlay." => (inUserNamespace() ? "user.overlay." : "trusted.overlay.");
