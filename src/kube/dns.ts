/** Names: /etc/hosts and /etc/resolv.conf of a pod (core/v1 `validatePodDNSConfig`). */
import type { HostAlias, PodDnsConfig } from "../spec/spec.ts";
import { complain, complainMissing, field, items, text, type Cursor } from "./cursor.ts";
import { present } from "./present.ts";
import { follows, optionalText, requiredText, RULES } from "./rules.ts";

const SERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_LENGTH_MAX = 2048;

/** Lines for /etc/hosts; undefined when there are none. */
export function readHostAliases(spec: Cursor): readonly HostAlias[] | undefined {
  const aliases = items(field(spec, "hostAliases")).flatMap((alias) => {
    const ip = requiredText(alias, "ip", RULES.ip);
    return ip === undefined ? [] : [{ ip, hostnames: texts(field(alias, "hostnames"), RULES.subdomain) }];
  });
  return aliases.length === 0 ? undefined : aliases;
}

function texts(list: Cursor | undefined, rule?: Parameters<typeof follows>[1]): readonly string[] {
  return items(list).flatMap((item) => {
    if (rule !== undefined) follows(item, rule);
    return text(item) ?? [];
  });
}

/** `dnsConfig`; undefined when there is none. */
export function readDnsConfig(spec: Cursor): PodDnsConfig | undefined {
  const config = field(spec, "dnsConfig");
  const nameservers = texts(field(config, "nameservers"), RULES.ip);
  const searches = texts(field(config, "searches"), RULES.searchPath);
  const servers = field(config, "nameservers");
  const domains = field(config, "searches");
  if (servers !== undefined && nameservers.length > SERVERS_MAX) complain(servers, { code: "value", message: `holds ${nameservers.length} servers, should be at most ${SERVERS_MAX}` });
  if (domains !== undefined && (searches.length > SEARCHES_MAX || searches.join(" ").length > SEARCH_LENGTH_MAX)) {
    complain(domains, { code: "value", message: `should be at most ${SEARCHES_MAX} domains of ${SEARCH_LENGTH_MAX} characters together` });
  }
  if (text(field(spec, "dnsPolicy")) === "None" && nameservers.length === 0) {
    complainMissing({ ...spec, path: `${spec.path}.dnsConfig` }, "nameservers", "should hold at least one server with dnsPolicy None");
  }
  if (config === undefined) return undefined;
  const options = items(field(config, "options")).flatMap((option) => {
    const name = requiredText(option, "name", RULES.resolverOption);
    return name === undefined ? [] : [{ name, ...present("value", optionalText(option, "value", RULES.resolverOption)) }];
  });
  return { nameservers, searches, options };
}
