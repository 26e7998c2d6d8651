import { describe, expect, test } from "bun:test";
import type { PodDnsConfig } from "../spec/spec.ts";
import { podResolvConf, type ResolvRequest } from "./resolv.ts";

const STUB = "# by systemd-resolved\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n";

const CONFIG: PodDnsConfig = { nameservers: ["192.0.2.53"], searches: ["lan", "x.example"], options: [{ name: "ndots", value: "5" }, { name: "single" }] };

describe("podResolvConf", () => {
  const table: readonly (readonly [string, ResolvRequest, string])[] = [
    ["passes the host's on to a bridge", { network: "bridge", ipv6: false, etc: "nameserver 10.0.0.2\nsearch a.example b.example\noptions ndots:2\n", resolved: "" }, "search a.example b.example\nnameserver 10.0.0.2\noptions ndots:2\n"],
    ["leaves the host's text alone on its own network", { network: "host", ipv6: false, etc: STUB, resolved: "nameserver 10.0.0.2\n" }, STUB],
    ["names no resolver without a network", { network: "none", ipv6: false, etc: "nameserver 10.0.0.2\nsearch lan\n", resolved: "" }, "search lan\n"],
    ["takes systemd-resolved's servers in place of its stub", { network: "bridge", ipv6: false, etc: STUB, resolved: "nameserver 192.168.1.1\nsearch lan\n" }, "search lan\nnameserver 192.168.1.1\n"],
    ["takes the forwarder in place of the host's loopback", { network: "bridge", ipv6: false, etc: "nameserver 127.0.0.1\nsearch lan\n", resolved: "", forwarder: "169.254.89.3" }, "search lan\nnameserver 169.254.89.3\n"],
    ["takes systemd-resolved's servers before the forwarder", { network: "bridge", ipv6: false, etc: STUB, resolved: "nameserver 192.168.1.1\n", forwarder: "169.254.89.3" }, "nameserver 192.168.1.1\n"],
    ["leaves the host's alone that can be reached, beside a forwarder", { network: "bridge", ipv6: false, etc: "nameserver 192.168.1.1\n", resolved: "", forwarder: "169.254.89.3" }, "nameserver 192.168.1.1\n"],
    ["needs no forwarder where the host names none", { network: "bridge", ipv6: false, etc: "", resolved: "", forwarder: "169.254.89.3" }, "# No resolver: the host names none\n"],
    ["drops loopback and IPv6 resolvers beside others", { network: "bridge", ipv6: false, etc: "nameserver 127.0.0.1\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver 1.2.3.4\n", resolved: "nameserver 9.9.9.9\n" }, "nameserver 1.2.3.4\n"],
    ["keeps IPv6 resolvers that a pod with IPv6 can reach", { network: "bridge", ipv6: true, etc: "nameserver ::1\nnameserver fe80::1%eth0\nnameserver fe80::2\nnameserver 2001:db8::53\nnameserver 1.2.3.4\n", resolved: "" }, "nameserver 2001:db8::53\nnameserver 1.2.3.4\n"],
    ["says why when no resolver can be reached", { network: "bridge", ipv6: false, etc: STUB, resolved: "" }, "# No resolver: pods cannot reach the host's (127.0.0.53)\nsearch lan\noptions edns0 trust-ad\n"],
    ["says that the host names none", { network: "bridge", ipv6: false, etc: "", resolved: "" }, "# No resolver: the host names none\n"],
    ["takes dnsConfig alone with policy None", { network: "bridge", ipv6: false, etc: "nameserver 10.0.0.2\nsearch lan\n", resolved: "", policy: "None", config: CONFIG }, "search lan x.example\nnameserver 192.0.2.53\noptions ndots:5 single\n"],
    ["takes dnsConfig alone with policy None, also on the host's network", { network: "host", ipv6: false, etc: STUB, resolved: "", policy: "None", config: CONFIG }, "search lan x.example\nnameserver 192.0.2.53\noptions ndots:5 single\n"],
    ["adds dnsConfig to the host's, each once, options by name", { network: "bridge", ipv6: false, etc: "nameserver 10.0.0.2\nsearch lan. a.example\noptions ndots:2 rotate\n", resolved: "", policy: "ClusterFirst", config: CONFIG }, "search lan a.example x.example\nnameserver 10.0.0.2\nnameserver 192.0.2.53\noptions ndots:5 rotate single\n"],
    ["adds dnsConfig to the host's stub on the host's network", { network: "host", ipv6: false, etc: STUB, resolved: "", policy: "Default", config: CONFIG }, "search lan x.example\nnameserver 127.0.0.53\nnameserver 192.0.2.53\noptions edns0 trust-ad ndots:5 single\n"],
    ["gives no reason when dnsConfig names a resolver", { network: "bridge", ipv6: false, etc: STUB, resolved: "", config: { nameservers: ["::1"], searches: [], options: [] } }, "search lan\nnameserver ::1\noptions edns0 trust-ad\n"],
    ["keeps the root as a search path", { network: "bridge", ipv6: false, etc: "search .\nnameserver 1.1.1.1\n", resolved: "" }, "search .\nnameserver 1.1.1.1\n"],
    ["keeps three resolvers", { network: "bridge", ipv6: false, etc: "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n", resolved: "" }, "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"],
    ["lets the last search or domain win and adds options up", { network: "bridge", ipv6: false, etc: "search a\ndomain b # old\noptions ndots:1\noptions ndots:1 rotate\nnameserver 1.1.1.1 ; x\n", resolved: "" }, "search b\nnameserver 1.1.1.1\noptions ndots:1 rotate\n"],
  ];
  for (const [title, request, text] of table) test(`podResolvConf() ${title}`, () => expect(podResolvConf(request)).toEqual({ text, warnings: expect.anything() }));

  test("podResolvConf() warns in the kubelet's words of what is over the limits, and of nothing else", () => {
    const servers = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"].map((ip) => `nameserver ${ip}\n`).join("");
    expect(podResolvConf({ network: "bridge", ipv6: false, etc: servers, resolved: "" }).warnings).toEqual(["Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3"]);
    const long = `${"a".repeat(63)}.`.repeat(4);
    const { text, warnings } = podResolvConf({ network: "bridge", ipv6: false, etc: `search b ${long}x\nnameserver 1.1.1.1\n`, resolved: "" });
    expect(text).toBe("search b\nnameserver 1.1.1.1\n");
    expect(warnings).toEqual(["Search Line limits were exceeded, some search paths have been omitted, the applied search line is: b"]);
    expect(podResolvConf({ network: "bridge", ipv6: false, etc: "search a\nnameserver 1.1.1.1\n", resolved: "", config: CONFIG }).warnings).toEqual([]);
  });

  test("podResolvConf() cuts the search paths to what the kubelet allows", () => {
    const paths = Array.from({ length: 40 }, (_, index) => `d${index}.example`);
    const { text } = podResolvConf({ network: "bridge", ipv6: false, etc: `search ${paths.join(" ")}\nnameserver 1.1.1.1\n`, resolved: "" });
    expect(text).toBe(`search ${paths.slice(0, 32).join(" ")}\nnameserver 1.1.1.1\n`);
    const wide = Array.from({ length: 20 }, (_, index) => `d${String(index).padStart(2, "0")}.${"x".repeat(60)}.${"y".repeat(62)}.example`);
    expect(podResolvConf({ network: "bridge", ipv6: false, etc: `search ${wide.join(" ")}\nnameserver 1.1.1.1\n`, resolved: "" }).text).toBe(`search ${wide.slice(0, 15).join(" ")}\nnameserver 1.1.1.1\n`);
  });
});
