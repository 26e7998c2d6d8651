/** What of a pod's host is different for an ordinary user: everything about its network is done by a thread that is in it. */
import { rootlessDirectory, type Paths } from "../base/paths.ts";
import { allDone } from "../base/promises.ts";
import type { Attachment, Network } from "../network/network.ts";
import { helperIn } from "../network/outsideWords.ts";
import { ensureOutside, netnsIn, OUTSIDE } from "../network/rootless.ts";
import { besideHolder, ownScope } from "../rootless/scope.ts";
import { fuseEnd } from "../storage/fuseOverlay.ts";
import { kernel, type Kernel } from "./kernel.ts";
import { OutsideKeeper } from "./outsideKeeper.ts";
import { Publisher } from "./publisher.ts";
import { type NetworkThread, userNetworkThread } from "./networkThreadClient.ts";
import type { BridgeRequests, PodHost } from "./pod.ts";

/** The parts of a `PodHost` for an ordinary user; in the user's namespaces, and in the host's network namespace. */
export function rootlessParts(paths: Paths, thread = userNetworkThread(paths)): Pick<PodHost, "network" | "kernel" | "bridgeRequests" | "forwarder"> {
  const directory = rootlessDirectory(paths.runtime);
  const publisher = new Publisher({ directory: `${directory}/published`, netns: netnsIn(directory), self: paths.self });
  const through = (): readonly string[] => (paths.rootless === undefined ? [] : ownScope(paths.rootless, "-outside"));
  const outside = new OutsideKeeper({ helper: helperIn(directory), ensure: () => ensureOutside(directory, through) });
  return { network: networkOf({ thread, publisher, outside }), kernel: kernelOf(thread, paths), bridgeRequests: requestsOf(thread), forwarder: OUTSIDE.nameServer };
}

interface Parts {
  readonly thread: NetworkThread;
  readonly publisher: Publisher;
  readonly outside: OutsideKeeper;
}

function networkOf({ thread, publisher, outside }: Parts): Network {
  const detach = async (attachment: Attachment): Promise<void> => {
    outside.remove(attachment.uid);
    await allDone([thread.call("detach", attachment), publisher.stop(attachment)]);
  };
  return {
    detach,
    async attach(attachment, tell) {
      const attached = thread.call("attach", attachment);
      try {
        await allDone([attached, publisher.start(attachment), outside.add(attachment.uid, tell)]);
        return await attached;
      } catch (thrown) {
        await detach(attachment).catch(() => undefined); // what could not be undone is still known, for the next detach
        throw thrown;
      }
    },
    resume: (attachment, tell) => allDone([publisher.resume(attachment), outside.add(attachment.uid, tell)]),
  };
}

/** Without the kernel's overlay the filesystems of a pod are processes, beside the holder of the namespaces. */
function kernelOf(thread: NetworkThread, { runtime, rootless }: Paths): Kernel {
  const fuse = { launcher: () => (rootless === undefined ? [] : besideHolder({ ...rootless, runtime })) };
  return {
    ...kernel,
    mountRootfs: (rootfs) => kernel.mountRootfs({ ...rootfs, fuse }),
    mountImage: (image) => kernel.mountImage({ ...image, fuse }),
    rootfsEnd: fuseEnd,
    makeNamespaces: (request) => thread.call("makeNamespaces", request),
    makeUserNamespaces: (request) => thread.call("makeUserNamespaces", request),
  };
}

const requestsOf = (thread: NetworkThread): BridgeRequests => ({
  probe: (probe, { address, ports, signal }) => thread.call("probe", { probe, address, ports }, signal),
  hook: (action, { address, ports, signal }) => thread.call("hook", { action, address, ports }, signal),
});
