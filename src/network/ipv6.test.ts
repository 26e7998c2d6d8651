import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { hostHasIPv6, isPublished6, keepRouters } from "./ipv6.ts";
import { inNetwork, makeNamespaces, removeNamespaces } from "./namespaces.ts";
import type { Attachment, PortMapping } from "./network.ts";
import { bytesOf } from "../base/sockets.ts";
import { addVeth } from "./rtnetlink.ts";

const able = process.getuid?.() === 0 && hostHasIPv6();

test("isPublished6() is true for ports of all addresses and of IPv6 ones, of pods with IPv6", () => {
  const bridge = { name: "n", interface: "n0", subnet: "10.0.0.0/16", gateway: "10.0.0.1", subnet6: "fd00::/64", gateway6: "fd00::1" };
  const port = (hostIP: string): PortMapping => ({ containerPort: 80, hostPort: 80, hostIP, protocol: "tcp" });
  const pod = (ip6: string | undefined, ...ports: readonly PortMapping[]): Attachment =>
    ({ uid: "u", podName: "p", netns: "/n", bridge, ip: "10.0.0.2", ...(ip6 === undefined ? {} : { ip6 }), ports });
  for (const ip of ["", "::", "0.0.0.0", "fd00::1"]) expect(isPublished6(pod("fd00::2", port("127.0.0.1"), port(ip)))).toBe(true);
  expect(isPublished6(pod("fd00::2", port("127.0.0.1")))).toBe(false);
  expect(isPublished6(pod("fd00::2"))).toBe(false);
  expect(isPublished6(pod(undefined, port("")))).toBe(false);
});

test.each([
  ["fd00:1:2::1c8", "fd0000010002000000000000000001c8"], ["::1", "00000000000000000000000000000001"], ["fe80::", "fe800000000000000000000000000000"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
])("bytesOf() reads %p", (address, bytes) => {
  expect(bytesOf(address).toString("hex")).toBe(bytes);
});

test.skipIf(!able)("keepRouters() lets interfaces that learn routes go on, and leaves them alone where the host forwards", () => {
  const directory = mkdtempSync(`${tmpdir()}/wherry-ipv6-`), network = `${directory}/netns`;
  const value = (name: string): string => readFileSync(`/proc/sys/net/ipv6/conf/${name}`, "utf8").trim();
  makeNamespaces({ files: { network }, hostname: "" });
  try {
    const seen = inNetwork(network, () => {
      addVeth({ link: "learns", peer: "deaf" });
      writeFileSync("/proc/sys/net/ipv6/conf/deaf/accept_ra", "0");
      keepRouters();
      const told = [value("learns/accept_ra"), value("deaf/accept_ra"), value("default/accept_ra")];
      writeFileSync("/proc/sys/net/ipv6/conf/learns/accept_ra", "1");
      writeFileSync("/proc/sys/net/ipv6/conf/all/forwarding", "1");
      keepRouters();
      return [...told, value("learns/accept_ra")];
    });
    expect(seen).toEqual(["2", "0", "1", "1"]);
  } finally {
    removeNamespaces({ network });
    rmSync(directory, { recursive: true });
  }
});
