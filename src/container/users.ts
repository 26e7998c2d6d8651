/** `hostUsers: false` in the OCI configuration. Pure. */
import { fail } from "../base/errors.ts";
import type { OciLinux } from "../runtime/oci.ts";
import type { ConfigInput, Users } from "./container.ts";

export const userNamespace = (users: Users | undefined): OciLinux["namespaces"] => (users === undefined ? [] : [{ type: "user", path: users.path }]);

/** Said although the namespace exists: not every OCI runtime asks the kernel for them. */
export function mappingsOf(users: Users | undefined): Pick<OciLinux, "uidMappings" | "gidMappings"> {
  if (users === undefined) return {};
  const mappings = [{ containerID: 0, hostID: users.first, size: users.count }];
  return { uidMappings: mappings, gidMappings: mappings };
}

/** Kind `invalid` when a process would have a user or group that its user namespace has not. */
export function checkMapped({ users, identity: { uid, gid, additionalGids }, container }: Pick<ConfigInput, "users" | "identity" | "container">): void {
  if (users === undefined) return;
  const [wrong] = [{ what: "user", id: uid }, ...[gid, ...additionalGids].map((id) => ({ what: "group", id }))].filter(({ id }) => id >= users.count);
  if (wrong === undefined) return;
  fail("invalid", `Cannot run container "${container.name}" with ${wrong.what} ${wrong.id}: the pod has hostUsers false, it should be 0 to ${users.count - 1}`);
}
