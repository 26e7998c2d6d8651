/**
 * /etc/hosts and /etc/hostname of a pod: pure text from text. Formats as the kubelet writes them (hosts(5), hostname(5);
 * Kubernetes "Adding entries to Pod /etc/hosts with HostAliases"). /etc/resolv.conf is in `resolv.ts`.
 */
import type { HostAlias } from "../spec/spec.ts";

const LOOPBACK_LINES = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

export const hostnameFile = (hostname: string): string => `${hostname}\n`;

export interface HostsRequest {
  /** The pod's addresses, one or one of each family; without any, its name is that of the loopback interface. */
  readonly ips: readonly string[];
  readonly hostname: string;
  /** `subdomain.namespace.svc.cluster.local`; empty when the pod has none. */
  readonly domain: string;
  readonly aliases: readonly HostAlias[];
}

/** /etc/hosts of a pod with a network namespace of its own. */
export function hostsFile({ ips, hostname, domain, aliases }: HostsRequest): string {
  const names = domain === "" ? hostname : `${hostname}.${domain}\t${hostname}`;
  const own = (ips.length === 0 ? ["127.0.0.1"] : ips).map((ip) => `${ip}\t${names}`);
  return ["# Kubernetes-managed hosts file.", ...LOOPBACK_LINES, ...own, ""].join("\n") + aliasLines(aliases);
}

/** /etc/hosts of a pod on the host's network: the host's own text, and the pod's aliases. */
export function hostNetworkHostsFile(etc: string, aliases: readonly HostAlias[]): string {
  const end = etc === "" || etc.endsWith("\n") ? "" : "\n";
  return `# Kubernetes-managed hosts file (host network).\n${etc}${end}${aliasLines(aliases)}`;
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return "";
  return ["\n# Entries added by HostAliases.", ...aliases.map(({ ip, hostnames }) => [ip, ...hostnames].join("\t")), ""].join("\n");
}
