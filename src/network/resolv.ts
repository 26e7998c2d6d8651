/** /etc/resolv.conf of a pod: pure text from text (resolv.conf(5); Kubernetes "Pod's DNS Policy" and "Pod's DNS Config"). */
import { isIPv4, isIPv6 } from "../base/addresses.ts";
import type { DnsPolicy, PodDnsConfig } from "../spec/spec.ts";

/** What the kubelet lets through of name servers (all that glibc reads), of search paths, and of one search path. */
const NAMESERVERS_MAX = 3, SEARCHES_MAX = 32, SEARCH_CHARACTERS_MAX = 2048, SEARCH_LONGEST = 253;

export interface ResolvRequest {
  readonly network: "bridge" | "none" | "host";
  /** It has an address of its own that IPv6 servers can be reached from. */
  readonly ipv6: boolean;
  /** The host's /etc/resolv.conf; empty when there is none. */
  readonly etc: string;
  /** The host's /run/systemd/resolve/resolv.conf: the servers behind systemd-resolved's stub; empty when there is none. */
  readonly resolved: string;
  /** A server that passes questions on to the host's, where pods have one; for the host's own that they cannot reach. */
  readonly forwarder?: string | undefined;
  readonly policy?: DnsPolicy | undefined;
  readonly config?: PodDnsConfig | undefined;
}

export interface ResolvFile {
  readonly text: string;
  /** What was left out because of the limits, in the kubelet's sentences. */
  readonly warnings: readonly string[];
}

/**
 * The host's settings (none with policy `None`) with those of `dnsConfig` added: its name servers and search paths after
 * the others, each once; its options in place of others of their name. The cluster policies mean `Default` here, as they
 * do on a node that knows no cluster name server.
 *
 * On the host's network the host's text is passed on as it is. A pod on a bridge cannot reach a resolver on the host's
 * loopback (127.0.0.53, ::1), nor one that is named by an interface of the host (fe80::1%eth0), nor without an IPv6
 * address of its own one over IPv6: those are left out. When none stays, systemd-resolved's own list is used instead; when that has none either, the forwarder where there is one.
 * Else the file names no resolver and a comment in it says why; no public resolver is ever put in. What `dnsConfig` names is never left out.
 */
export function podResolvConf(request: ResolvRequest): ResolvFile {
  const { config, policy } = request;
  if (request.network === "host" && policy !== "None" && config === undefined) return { text: request.etc, warnings: [] };
  const base = policy === "None" ? { conf: NOTHING, lacks: "" } : baseOf(request);
  const merged = config === undefined ? base.conf : merge(base.conf, config);
  const { conf, warnings } = limited(merged);
  return { text: (conf.nameservers.length === 0 ? base.lacks : "") + format(conf), warnings };
}

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

const NOTHING: ResolvConf = { nameservers: [], searches: [], options: [] };

interface Base {
  readonly conf: ResolvConf;
  /** Comment for a file without name servers. */
  readonly lacks: string;
}

function baseOf({ network, ipv6, etc, resolved, forwarder }: ResolvRequest): Base {
  const host = parse(etc);
  if (network === "host") return { conf: host, lacks: "" };
  if (network === "none") return { conf: { ...host, nameservers: [] }, lacks: "" };
  const forwarded = { ...host, nameservers: forwarder === undefined ? [] : host.nameservers.slice(0, 1).map(() => forwarder) };
  const chosen = [host, parse(resolved), forwarded].map((conf) => reachable(conf, ipv6)).find(({ nameservers }) => nameservers.length > 0);
  return chosen === undefined ? { conf: { ...host, nameservers: [] }, lacks: reasonFor(host.nameservers) } : { conf: chosen, lacks: "" };
}

/** The last `search` or `domain` wins, `options` add up; everything else is of no use in a pod. */
function parse(text: string): ResolvConf {
  const lines = text.split("\n").map((line) => line.replace(/[#;].*$/, "").trim().split(/\s+/));
  const values = (word: string): readonly (readonly string[])[] => lines.filter((line) => line[0] === word).map((line) => line.slice(1));
  const searches = lines.findLast(([word]) => word === "search" || word === "domain")?.slice(1) ?? [];
  return { nameservers: values("nameserver").flatMap((words) => words.slice(0, 1)), searches: searches.map(undotted), options: [...new Set(values("options").flat())] };
}

/** A search path with and without a dot at its end is the same, and counts once; the root alone is kept. */
const undotted = (path: string): string => (path === "." ? path : path.replace(/\.$/, ""));

function reachable(conf: ResolvConf, ipv6: boolean): ResolvConf {
  const reached = (server: string): boolean => (isIPv4(server) ? !/^(127|0)\./.test(server) : ipv6 && isIPv6(server) && !/^(::1?$|fe[89ab].:|.*%)/i.test(server));
  return { ...conf, nameservers: conf.nameservers.filter(reached) };
}

function merge(conf: ResolvConf, config: PodDnsConfig): ResolvConf {
  const options = new Map(conf.options.map((option) => [option.split(":")[0] ?? "", option]));
  for (const { name, value = "" } of config.options) options.set(name, value === "" ? name : `${name}:${value}`);
  return {
    nameservers: [...new Set([...conf.nameservers, ...config.nameservers])],
    searches: [...new Set([...conf.searches, ...config.searches])],
    options: [...options.values()],
  };
}

function limited(conf: ResolvConf): { readonly conf: ResolvConf; readonly warnings: readonly string[] } {
  const nameservers = conf.nameservers.slice(0, NAMESERVERS_MAX);
  const searches = fitting(conf.searches);
  const left = (what: string, rest: string): string => `${what} limits were exceeded, some ${rest}`;
  return {
    conf: { ...conf, nameservers, searches },
    warnings: [
      ...(nameservers.length < conf.nameservers.length ? [left("Nameserver", `nameservers have been omitted, the applied nameserver line is: ${nameservers.join(" ")}`)] : []),
      ...(searches.length < conf.searches.length ? [left("Search Line", `search paths have been omitted, the applied search line is: ${searches.join(" ")}`)] : []),
    ],
  };
}

/** As many search paths, from the first on, as there is room for. */
function fitting(searches: readonly string[]): readonly string[] {
  let room = SEARCH_CHARACTERS_MAX + 1;
  const short = searches.slice(0, SEARCHES_MAX).filter((path) => path.length <= SEARCH_LONGEST);
  const over = short.findIndex((path) => (room -= path.length + 1) < 0);
  return over < 0 ? short : short.slice(0, over);
}

function format({ nameservers, searches, options }: ResolvConf): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}

function reasonFor(nameservers: readonly string[]): string {
  const why = nameservers.length === 0 ? "the host names none" : `pods cannot reach the host's (${nameservers.join(", ")})`;
  return `# No resolver: ${why}\n`;
}
