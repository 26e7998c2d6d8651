/**
 * The three files of /etc that every pod gets: pure text from text. Formats as the kubelet writes them
 * (hosts(5), resolv.conf(5), hostname(5); Kubernetes "Adding entries to Pod /etc/hosts", dnsPolicy `Default`).
 */

/** Limits of resolv.conf: what glibc reads of nameservers, what the kubelet lets through of search paths. */
const NAMESERVERS_MAX = 3, SEARCHES_MAX = 32, SEARCH_CHARACTERS_MAX = 2048;

const LOOPBACK_LINES = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

export const hostnameFile = (hostname: string): string => `${hostname}\n`;

/** /etc/hosts of a pod with a network namespace of its own. Without an address (`ip` empty), its name is that of the loopback interface. */
export function hostsFile(request: { readonly ip: string; readonly hostname: string }): string {
  const ip = request.ip === "" ? "127.0.0.1" : request.ip;
  return ["# Kubernetes-managed hosts file.", ...LOOPBACK_LINES, `${ip}\t${request.hostname}`, ""].join("\n");
}

export interface ResolvRequest {
  readonly network: "bridge" | "none" | "host";
  /** The host's /etc/resolv.conf; empty when there is none. */
  readonly etc: string;
  /** The host's /run/systemd/resolve/resolv.conf: the servers behind systemd-resolved's stub; empty when there is none. */
  readonly resolved: string;
}

/**
 * /etc/resolv.conf of a pod, dnsPolicy `Default`: the host's. On the host's network it is the host's text as it is. A pod on
 * a bridge cannot reach a resolver on the host's loopback (127.0.0.53, ::1), nor one over IPv6, which the bridge does not
 * have: those are left out, and when none stays, systemd-resolved's own list is used instead. When that has none either,
 * the file names no resolver and a comment in it says why; no public resolver is ever put in.
 */
export function podResolvConf(request: ResolvRequest): string {
  if (request.network === "host") return request.etc;
  const etc = parse(request.etc);
  if (request.network === "none") return format({ ...etc, nameservers: [] });
  const chosen = [etc, parse(request.resolved)].map(reachable).find(({ nameservers }) => nameservers.length > 0);
  return chosen === undefined ? reasonFor(etc.nameservers) + format({ ...etc, nameservers: [] }) : format(chosen);
}

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** The last `search` or `domain` wins, `options` add up; everything else is of no use in a pod. */
function parse(text: string): ResolvConf {
  const lines = text.split("\n").map((line) => line.replace(/[#;].*$/, "").trim().split(/\s+/));
  const values = (word: string): readonly (readonly string[])[] => lines.filter((line) => line[0] === word).map((line) => line.slice(1));
  const searches = lines.findLast(([word]) => word === "search" || word === "domain")?.slice(1) ?? [];
  return { nameservers: values("nameserver").flatMap((words) => words.slice(0, 1)), searches, options: [...new Set(values("options").flat())] };
}

function reachable(conf: ResolvConf): ResolvConf {
  return { ...conf, nameservers: conf.nameservers.filter((server) => /^\d+(\.\d+){3}$/.test(server) && !/^(127|0)\./.test(server)) };
}

function format({ nameservers, searches, options }: ResolvConf): string {
  const search = fitting(searches);
  return [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...nameservers.slice(0, NAMESERVERS_MAX).map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}

function fitting(searches: readonly string[]): readonly string[] {
  let room = SEARCH_CHARACTERS_MAX;
  return searches.slice(0, SEARCHES_MAX).filter((path) => (room -= path.length + 1) >= 0);
}

function reasonFor(nameservers: readonly string[]): string {
  const why = nameservers.length === 0 ? "the host names none" : `pods cannot reach the host's (${nameservers.join(", ")})`;
  return `# No resolver: ${why}\n`;
}
