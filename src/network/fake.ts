/** The network in memory, for tests: the rules of the contract without a kernel. */
import { fail } from "../base/errors.ts";
import type { Attachment, Network } from "./network.ts";
import { macOf } from "./request.ts";

export interface FakeNetwork extends Network {
  /** The pods that are attached, by uid. */
  readonly attached: ReadonlyMap<string, Attachment>;
  /** What `listLeftovers` would show as interfaces: bridges with a pod on them, and one port per pod. */
  interfaces(): readonly string[];
}

export interface FakeOptions {
  /** Whether a network namespace is pinned at a path; always, when absent. */
  readonly stands?: (netns: string) => boolean;
  /** The sentence that an attach fails with; attaching succeeds when absent or undefined. */
  readonly refuse?: (attachment: Attachment) => string | undefined;
}

export function fakeNetwork(options: FakeOptions = {}): FakeNetwork {
  const attached = new Map<string, Attachment>();
  return {
    attached,
    async attach(attachment) {
      const { uid, podName, netns, bridge, ip } = attachment;
      if (options.stands?.(netns) === false) fail("failed", `Cannot attach pod "${podName}": "${netns}" is not a network namespace`);
      attached.delete(uid);
      const sentence = options.refuse?.(attachment);
      if (sentence !== undefined) fail("failed", `Cannot attach pod "${podName}" to network "${bridge.name}": netavark: ${sentence}`);
      attached.set(uid, attachment);
      return { mac: macOf(ip) };
    },
    async detach({ uid }) {
      attached.delete(uid);
    },
    interfaces() {
      const pods = [...attached.values()];
      return [...new Set(pods.map((pod) => pod.bridge.interface)), ...pods.map((pod) => `veth-${pod.uid}`)];
    },
  };
}
