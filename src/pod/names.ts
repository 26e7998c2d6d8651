/** The names that a pod has (the kubelet's `GeneratePodHostNameAndDomain` and `GetNodenameForKernel`). */
import { hostname as hostsName } from "node:os";
import { fail } from "../base/errors.ts";
import type { Pod } from "../spec/spec.ts";

/** There is one cluster domain, the one that almost every cluster has. */
const CLUSTER_DOMAIN = "cluster.local";
/** Of a label of a host name; of `nodename` in `struct utsname` (uname(2)). */
const LABEL_MAX = 63, NODENAME_MAX = 64;

export interface PodNames {
  readonly hostname: string;
  /** `subdomain.namespace.svc.cluster.local`; empty without a subdomain. */
  readonly domain: string;
}

/** `hostnameOverride` as it is; else `hostname` or the pod's name, cut to what a host name may be, and the subdomain's domain. */
export function namesOf({ metadata, spec }: Pod): PodNames {
  if (spec.hostnameOverride !== undefined) return { hostname: spec.hostnameOverride, domain: "" };
  const wanted = spec.hostname ?? metadata.name;
  const hostname = wanted.length > LABEL_MAX ? wanted.slice(0, LABEL_MAX).replace(/[-.]+$/, "") : wanted;
  return { hostname, domain: spec.subdomain === undefined ? "" : `${spec.subdomain}.${metadata.namespace}.svc.${CLUSTER_DOMAIN}` };
}

/**
 * What the kernel calls the pod's host: its host name, or with `setHostnameAsFQDN` its full name; on the host's network
 * the host's. Kind `invalid`, in the kubelet's words, when that is longer than the kernel allows.
 */
export function nodenameOf({ pod, network }: { readonly pod: Pod; readonly network: "bridge" | "none" | "host" }): string {
  const { hostname, domain } = namesOf(pod);
  if (network === "host") return hostsName();
  if (pod.spec.setHostnameAsFQDN !== true || domain === "") return hostname;
  const full = `${hostname}.${domain}`;
  if (full.length <= NODENAME_MAX) return full;
  return fail("invalid", `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${NODENAME_MAX} characters is the max, ${full.length} characters requested)`);
}
