import { describe, expect, test } from "bun:test";
import type { Attachment } from "./network.ts";
import { macIn, macOf, netavarkRequest, networkHashOf, sentenceIn } from "./request.ts";

const bridge = { name: "wherry", interface: "wherry0", subnet: "10.89.0.0/16", gateway: "10.89.0.1", subnet6: "fd00:1::/64", gateway6: "fd00:1::1" };
const pod: Attachment = { uid: "11111111-2222-4333-8444-555555555555", podName: "web", netns: "/run/x/netns", bridge, ip: "10.89.1.200", ports: [] };
const port = { containerPort: 80, hostPort: 8080, hostIP: "", protocol: "tcp" } as const;

const GOLDEN = {
  container_id: "11111111222243338444555555555555",
  container_name: "web",
  networks: { wherry: { interface_name: "eth0", static_ips: ["10.89.1.200"], static_mac: "0a:77:0a:59:01:c8" } },
  network_info: {
    wherry: {
      name: "wherry",
      id: "b0b36d39d1ee2a5eb92cc3bd5b2be8e3c8dbfbc8ab5e7c6ad5b8f0b5f6c3e8d5",
      driver: "bridge",
      network_interface: "wherry0",
      subnets: [{ subnet: "10.89.0.0/16", gateway: "10.89.0.1" }],
      internal: false,
      ipv6_enabled: false,
      dns_enabled: false,
    },
  },
  port_mappings: null,
};

describe("netavarkRequest", () => {
  const golden = (change: object = {}) => {
    const network = { ...GOLDEN.network_info.wherry, id: expect.stringMatching(/^[0-9a-f]{64}$/) };
    return { ...GOLDEN, network_info: { wherry: network }, ...change };
  };
  test("netavarkRequest() names the pod, its address and its network", () => {
    expect(JSON.parse(netavarkRequest(pod))).toEqual(golden());
  });
  test("netavarkRequest() names ports, all addresses as the empty one", () => {
    const ports = [port, { ...port, hostPort: 53, hostIP: "0.0.0.0", protocol: "udp" as const }, { ...port, hostIP: "127.0.0.1" }];
    expect(JSON.parse(netavarkRequest({ ...pod, ports })).port_mappings).toEqual([
      { host_ip: "", host_port: 8080, container_port: 80, protocol: "tcp", range: 1 },
      { host_ip: "", host_port: 53, container_port: 80, protocol: "udp", range: 1 },
      { host_ip: "127.0.0.1", host_port: 8080, container_port: 80, protocol: "tcp", range: 1 },
    ]);
  });
  test("netavarkRequest() names both families when asked, with an address for a pod that has none", () => {
    const asked = (ip6?: string) => JSON.parse(netavarkRequest(ip6 === undefined ? pod : { ...pod, ip6 }, { families: "both" }));
    expect(asked("fd00:1::1c8").networks.wherry.static_ips).toEqual(["10.89.1.200", "fd00:1::1c8"]);
    expect(asked().networks.wherry.static_ips).toEqual(["10.89.1.200", "fd00:1::ffff:ffff"]);
    const { subnets, ipv6_enabled } = asked("fd00:1::1c8").network_info.wherry;
    expect([subnets, ipv6_enabled]).toEqual([[{ subnet: "10.89.0.0/16", gateway: "10.89.0.1" }, { subnet: "fd00:1::/64", gateway: "fd00:1::1" }], true]);
    expect(JSON.parse(netavarkRequest({ ...pod, ip6: "fd00:1::1c8" }))).toEqual(golden());
    const alone = JSON.parse(netavarkRequest({ ...pod, ip6: "fd00:1::1c8" }, { families: "IPv6" }));
    expect([alone.networks.wherry.static_ips, alone.network_info.wherry.subnets]).toEqual([["fd00:1::1c8"], [{ subnet: "fd00:1::/64", gateway: "fd00:1::1" }]]);
  });
  test("netavarkRequest() can ask for the port chain without ports", () => {
    expect(JSON.parse(netavarkRequest(pod, { portChain: true }))).toEqual(golden({ port_mappings: [] }));
  });
  test("netavarkRequest() can leave the firewall out", () => {
    expect(JSON.parse(netavarkRequest(pod, { linkOnly: true })).network_info.wherry.internal).toBe(true);
  });
});

test("macOf() is the same for the same address", () => {
  expect(macOf("10.89.1.200")).toBe("0a:77:0a:59:01:c8");
});

test("networkHashOf() is what netavark names its chains after", () => {
  expect(networkHashOf({ ...bridge, name: "nx" })).toBe("973FB08EE51BB");
});

describe("netavark's answers", () => {
  test("macIn() reads the hardware address", () => {
    expect(macIn('{"wherry":{"interfaces":{"eth0":{"mac_address":"0a:77:0a:59:00:02"}}}}', bridge)).toBe("0a:77:0a:59:00:02");
  });
  test("macIn() fails on anything else", () => {
    for (const answer of ["", "[]", "{}", '{"wherry":{"interfaces":{}}}']) expect(() => macIn(answer, bridge)).toThrow('no "mac_address"');
  });
  test("sentenceIn() finds netavark's sentence, or gives the text as it is", () => {
    expect(sentenceIn('{"error":"netavark: create veth pair: File exists"}\n')).toBe("create veth pair: File exists");
    expect(sentenceIn("thread panicked\n")).toBe("thread panicked");
  });
});
