import { describe, expect, test } from "bun:test";
import { hostnameFile, hostNetworkHostsFile, hostsFile } from "./files.ts";

const LOOPBACK = `# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
`;

const NONE = { domain: "", aliases: [] };

describe("hostsFile", () => {
  test("hostsFile() ends with the pod's address and name", () => {
    expect(hostsFile({ ips: ["10.89.0.7"], hostname: "web-0", ...NONE })).toBe(`${LOOPBACK}10.89.0.7\tweb-0\n`);
  });
  test("hostsFile() gives a pod without an address the loopback one", () => {
    expect(hostsFile({ ips: [], hostname: "job", ...NONE })).toBe(`${LOOPBACK}127.0.0.1\tjob\n`);
  });
  test("hostsFile() puts the full name first, for every address", () => {
    expect(hostsFile({ ips: ["10.89.0.7", "fd00::7"], hostname: "web", domain: "sub.ns.svc.cluster.local", aliases: [] }))
      .toBe(`${LOOPBACK}10.89.0.7\tweb.sub.ns.svc.cluster.local\tweb\nfd00::7\tweb.sub.ns.svc.cluster.local\tweb\n`);
  });
  test("hostsFile() adds aliases at the end, all names of an address in one line", () => {
    const aliases = [{ ip: "192.0.2.1", hostnames: ["a.example", "b.example"] }, { ip: "192.0.2.2", hostnames: ["c"] }];
    expect(hostsFile({ ips: ["10.89.0.7"], hostname: "web", domain: "", aliases }))
      .toBe(`${LOOPBACK}10.89.0.7\tweb\n\n# Entries added by HostAliases.\n192.0.2.1\ta.example\tb.example\n192.0.2.2\tc\n`);
  });
});

test("hostNetworkHostsFile() is the host's text with the aliases", () => {
  const head = "# Kubernetes-managed hosts file (host network).\n";
  expect(hostNetworkHostsFile("127.0.0.1 localhost", [])).toBe(`${head}127.0.0.1 localhost\n`);
  expect(hostNetworkHostsFile("127.0.0.1 localhost\n", [{ ip: "::2", hostnames: ["x"] }])).toBe(`${head}127.0.0.1 localhost\n\n# Entries added by HostAliases.\n::2\tx\n`);
  expect(hostNetworkHostsFile("", [])).toBe(head);
});

test("hostnameFile() is the name and a line end", () => {
  expect(hostnameFile("web-0")).toBe("web-0\n");
});
