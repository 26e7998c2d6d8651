/** The AppArmor profile of a container. Pure. A pod that asks for one where the kernel has none is not admitted (`admission.ts`). */
import { fail } from "../base/errors.ts";
import type { OciProcess } from "../runtime/oci.ts";
import type { SecurityContext } from "../spec/spec.ts";
import type { HostLimits } from "./container.ts";

/** Default profiles of container engines; the first that is loaded is what RuntimeDefault means here. */
const DEFAULTS = /^(cri-containerd\.apparmor\.d|crio-default.*|containers-default-.*|docker-default)$/;

/** Nothing said: the default profile where one is loaded. Kind `failed` when the profile that is asked for is not. */
export function appArmorOf({ privileged, appArmorProfile }: SecurityContext, { appArmor }: Pick<HostLimits, "appArmor">): Pick<OciProcess, "apparmorProfile"> {
  if (appArmor === undefined || appArmorProfile?.type === "Unconfined" || (privileged === true && appArmorProfile === undefined)) return {};
  const loaded = appArmor();
  if (appArmorProfile?.type === "Localhost") {
    const name = appArmorProfile.localhostProfile;
    return loaded.includes(name) ? { apparmorProfile: name } : fail("failed", `Cannot confine the container by AppArmor profile "${name}": it is not loaded`);
  }
  const found = loaded.find((name) => DEFAULTS.test(name));
  if (found !== undefined) return { apparmorProfile: found };
  return appArmorProfile === undefined ? {} : fail("failed", "Cannot confine the container by AppArmor's RuntimeDefault: no default profile of a container engine is loaded, one must be (aa-status lists them)");
}
