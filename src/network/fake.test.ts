import { expect, test } from "bun:test";
import { networkContract } from "./contract.ts";
import { fakeNetwork } from "./fake.ts";
import type { Attachment } from "./network.ts";

const bridge = { name: "test", interface: "test0", subnet: "10.213.0.0/24", gateway: "10.213.0.1", subnet6: "fd00:1::/64", gateway6: "fd00:1::1" };
const standing = new Set<string>();
const network = fakeNetwork({ stands: (path) => standing.has(path) });

function pod(number: number, ports: Attachment["ports"] = []): Attachment {
  const netns = `/netns/${number}`;
  standing.add(netns);
  return { uid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`, podName: `pod-${number}`, netns, bridge, ip: `10.213.0.${number + 1}`, ports };
}

networkContract("fakeNetwork", {
  network,
  pod,
  dropNamespace: ({ netns }) => void standing.delete(netns),
  left: async () => network.interfaces(),
  close: () => undefined,
});

test("fakeNetwork() refuses a pod with the sentence it is given", async () => {
  const refusing = fakeNetwork({ refuse: ({ podName }) => (podName === "pod-7" ? "no room" : undefined) });
  expect(refusing.attach(pod(7))).rejects.toThrow('Cannot attach pod "pod-7" to network "test": netavark: no room');
  await refusing.attach(pod(8));
  expect(refusing.attached.size).toBe(1);
});
