/** What is different where this process is root in a user namespace only (`user_namespaces(7)`). */
import { inUserNamespace } from "../base/userNamespace.ts";

export { inUserNamespace };

/** How overlayfs's own attributes begin: those of `trusted` need power over the whole host (kernel `overlayfs.rst`, "User xattr"). */
export const overlayAttributes = (): "user.overlay." | "trusted.overlay." => (inUserNamespace() ? "user.overlay." : "trusted.overlay.");
