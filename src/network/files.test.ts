import { describe, expect, test } from "bun:test";
import { hostnameFile, hostsFile, podResolvConf, type ResolvRequest } from "./files.ts";

const LOOPBACK = `# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
`;

describe("hostsFile", () => {
  test("hostsFile() ends with the pod's address and name", () => {
    expect(hostsFile({ ip: "10.89.0.7", hostname: "web-0" })).toBe(`${LOOPBACK}10.89.0.7\tweb-0\n`);
  });
  test("hostsFile() gives a pod without an address the loopback one", () => {
    expect(hostsFile({ ip: "", hostname: "job" })).toBe(`${LOOPBACK}127.0.0.1\tjob\n`);
  });
});

test("hostnameFile() is the name and a line end", () => {
  expect(hostnameFile("web-0")).toBe("web-0\n");
});

const STUB = "# by systemd-resolved\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n";

describe("podResolvConf", () => {
  const table: readonly (readonly [string, ResolvRequest, string])[] = [
    ["passes the host's on to a bridge", { network: "bridge", etc: "nameserver 10.0.0.2\nsearch a.example b.example\noptions ndots:2\n", resolved: "" }, "search a.example b.example\nnameserver 10.0.0.2\noptions ndots:2\n"],
    ["leaves the host's text alone on its own network", { network: "host", etc: STUB, resolved: "nameserver 10.0.0.2\n" }, STUB],
    ["names no resolver without a network", { network: "none", etc: "nameserver 10.0.0.2\nsearch lan\n", resolved: "" }, "search lan\n"],
    ["takes systemd-resolved's servers in place of its stub", { network: "bridge", etc: STUB, resolved: "nameserver 192.168.1.1\nsearch lan\n" }, "search lan\nnameserver 192.168.1.1\n"],
    ["drops loopback and IPv6 resolvers beside others", { network: "bridge", etc: "nameserver 127.0.0.1\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver 1.2.3.4\n", resolved: "nameserver 9.9.9.9\n" }, "nameserver 1.2.3.4\n"],
    ["says why when no resolver can be reached", { network: "bridge", etc: STUB, resolved: "" }, "# No resolver: pods cannot reach the host's (127.0.0.53)\nsearch lan\noptions edns0 trust-ad\n"],
    ["says that the host names none", { network: "bridge", etc: "", resolved: "" }, "# No resolver: the host names none\n"],
    ["keeps three resolvers", { network: "bridge", etc: "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n", resolved: "" }, "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"],
    ["lets the last search or domain win and adds options up", { network: "bridge", etc: "search a\ndomain b # old\noptions ndots:1\noptions ndots:1 rotate\nnameserver 1.1.1.1 ; x\n", resolved: "" }, "search b\nnameserver 1.1.1.1\noptions ndots:1 rotate\n"],
  ];
  for (const [title, request, text] of table) test(`podResolvConf() ${title}`, () => expect(podResolvConf(request)).toBe(text));

  test("podResolvConf() cuts the search paths to what the kubelet allows", () => {
    const paths = Array.from({ length: 40 }, (_, index) => `d${index}.example`);
    const text = podResolvConf({ network: "bridge", etc: `search ${paths.join(" ")}\nnameserver 1.1.1.1\n`, resolved: "" });
    expect(text).toBe(`search ${paths.slice(0, 32).join(" ")}\nnameserver 1.1.1.1\n`);
  });
});
