/** What of a pod's host is different for an ordinary user: everything about its network is done by a thread that is in it. */
import { rootlessDirectory, type Paths } from "../base/paths.ts";
import type { Network } from "../network/network.ts";
import { ensureOutside, netnsIn, userNetavark } from "../network/rootless.ts";
import { kernel, type Kernel } from "./kernel.ts";
import { NetworkThread } from "./networkThreadClient.ts";
import type { BridgeRequests, PodHost } from "./pod.ts";

/** The parts of a `PodHost` for an ordinary user; in the user's namespaces, and in the host's network namespace. */
export function rootlessParts(paths: Paths): Pick<PodHost, "network" | "kernel" | "bridgeRequests"> {
  const directory = rootlessDirectory(paths.runtime);
  const thread = new NetworkThread({ netns: netnsIn(directory), netavark: userNetavark(directory, `${paths.runtime}/netavark`), waysDirectory: `${directory}/ways` });
  return { network: networkOf(thread, directory), kernel: kernelOf(thread), bridgeRequests: requestsOf(thread) };
}

function networkOf(thread: NetworkThread, directory: string): Network {
  return {
    async attach(attachment) {
      const [answer] = await Promise.all([thread.call("attach", attachment), ensureOutside(directory)]);
      return answer;
    },
    detach: (attachment) => thread.call("detach", attachment),
  };
}

function kernelOf(thread: NetworkThread): Kernel {
  return {
    ...kernel,
    makeNamespaces: (request) => thread.call("makeNamespaces", request),
    makeUserNamespaces: (request) => thread.call("makeUserNamespaces", request),
  };
}

const requestsOf = (thread: NetworkThread): BridgeRequests => ({
  probe: (probe, { address, ports, signal }) => thread.call("probe", { probe, address, ports }, signal),
  hook: (action, { address, ports, signal }) => thread.call("hook", { action, address, ports }, signal),
});
