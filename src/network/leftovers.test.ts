import { expect, test } from "bun:test";
import { rulesIn } from "./leftovers.ts";
import { networkIdOf } from "./request.ts";

const bridge = { name: "nx", interface: "nx0", subnet: "10.231.0.0/24", gateway: "10.231.0.1", subnet6: "fd00:1::/64", gateway6: "fd00:1::1" };

test("rulesIn() finds a network's chains and rules among iptables'", () => {
  const own = [
    "-A NETAVARK_FORWARD -d 10.231.0.0/24 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A NETAVARK_FORWARD -s 10.231.0.0/24 -j ACCEPT",
    "-A NETAVARK_FORWARD -s fd00:1::/64 -j ACCEPT",
    ":NETAVARK-973FB08EE51BB - [0:0]",
    ":NETAVARK-DN-973FB08EE51BB - [0:0]",
    "-A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8080 -m comment --comment \"dnat name: nx id: aaaa\" -j NETAVARK-DN-973FB08EE51BB",
    "-A NETAVARK_ISOLATION_2 -o nx0 -j DROP",
  ];
  const others = [":NETAVARK-HOSTPORT-DNAT - [0:0]", "-A POSTROUTING -s 10.231.0.0/240 -j X", "-A FORWARD -o nx01 -j DROP", "-A POSTROUTING -s 10.99.0.0/16 -j NETAVARK-73C7B160BC968", "COMMIT"];
  expect(rulesIn([...others, ...own].join("\n"), bridge)).toEqual(own);
});

test("rulesIn() finds a network's chains and rules among nftables'", () => {
  const id = networkIdOf(bridge).slice(0, 8);
  const own = [`chain nv_${id}_10_231_0_0_nm24 {`, "ip daddr 10.231.0.0/24 accept", `oifname "nx0" drop`, `ip saddr 10.231.0.0/24 jump nv_${id}_10_231_0_0_nm24`];
  expect(rulesIn(["table inet netavark {", "chain FORWARD {", "ct state invalid drop", ...own].join("\n"), bridge)).toEqual(own);
});
