/** Who a container's processes are and what they may do: the two security contexts merged, as the kubelet does. Pure. */
import { fail } from "../base/errors.ts";
import { CAPABILITIES } from "../runtime/mod.ts";
import type { Container, Pod, SecurityContext } from "../spec/spec.ts";
import type { Identity } from "./container.ts";
import { DEFAULT_CAPABILITIES } from "./defaults.ts";

/** kubelet `DetermineEffectiveSecurityContext`: what a container says wins over its pod. */
export function effectiveSecurity({ spec: { securityContext: shared = {} } }: Pod, { securityContext: own = {} }: Container): SecurityContext {
  const { fsGroup: _fsGroup, fsGroupChangePolicy: _policy, supplementalGroups: _groups, supplementalGroupsPolicy: _merge, sysctls: _sysctls, ...common } = shared;
  return { ...common, ...own };
}

/** Of whom the image is asked who it is: `runAsUser`, else the image's user. An image's group is not looked at, as in Kubernetes. */
export function userOf(security: SecurityContext, imageUser: string): string {
  return security.runAsUser === undefined ? (imageUser.split(":")[0] ?? "") : String(security.runAsUser);
}

/**
 * The identity with the groups of both contexts: `runAsGroup`, `fsGroup`, `supplementalGroups`, and unless the policy is
 * Strict those of the image's /etc/group. The first group is among the others, so that dropping it hides nothing.
 */
export function withGroups(found: Identity, pod: Pod, container: Container): Identity {
  const { fsGroup, supplementalGroups = [], supplementalGroupsPolicy } = pod.spec.securityContext ?? {};
  const gid = effectiveSecurity(pod, container).runAsGroup ?? found.gid;
  const image = supplementalGroupsPolicy === "Strict" ? [] : found.additionalGids;
  return { ...found, gid, additionalGids: [...new Set([gid, ...image, ...(fsGroup === undefined ? [] : [fsGroup]), ...supplementalGroups])] };
}

/** kubelet `verifyRunAsNonRoot`. Kind `invalid`, in its words. */
export function checkNonRoot({ pod, uid, container, imageUser }: { readonly pod: Pod; readonly uid: string; readonly container: Container; readonly imageUser: string }): void {
  const { runAsNonRoot, runAsUser } = effectiveSecurity(pod, container);
  if (runAsNonRoot !== true) return;
  const { name, namespace } = pod.metadata;
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${container.name})`;
  if (runAsUser === 0) fail("invalid", `container's runAsUser breaks non-root policy ${where}`);
  if (runAsUser !== undefined) return;
  const [user = ""] = imageUser.split(":");
  if (!/^\d*$/.test(user)) fail("invalid", `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`);
  if (Number(user) === 0) fail("invalid", `container has runAsNonRoot and image will run as root ${where}`);
}

/**
 * What a container's processes can ever hold. A privileged container has all that this process holds; `ALL` comes
 * first, adding or dropping, then single names (containerd). `missing` was asked for by name, and is not ours to give.
 */
export function capabilitiesOf({ privileged, capabilities }: SecurityContext, held: readonly string[]): { readonly given: readonly string[]; readonly missing: readonly string[] } {
  if (privileged === true) return { given: held, missing: [] };
  const [add, drop] = [capabilities?.add ?? [], capabilities?.drop ?? []].map((names) => names.map(fullName));
  const wanted = (add ?? []).filter((name) => name !== ALL);
  const base = drop?.includes(ALL) === true ? [] : add?.includes(ALL) === true ? held : DEFAULT_CAPABILITIES;
  const given = [...new Set([...base, ...wanted])].filter((name) => drop?.includes(name) !== true && held.includes(name));
  return { given, missing: wanted.filter((name) => !held.includes(name)) };
}

const ALL = "CAP_ALL";

/** Kind `failed` for a name that no kernel knows: the container cannot be created. */
function fullName(name: string): string {
  const full = name.startsWith("CAP_") ? name : `CAP_${name}`;
  if (full === ALL || CAPABILITIES.some((known) => known === full)) return full;
  return fail("failed", `Cannot add or drop capability "${full}": no kernel knows it, it must be one of capabilities(7)`);
}
