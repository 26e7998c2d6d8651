/** A bridge of its own for tests on the real kernel, and the pods on it. Test code. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { hostHasIPv6 } from "./ipv6.ts";
import { listLeftovers } from "./leftovers.ts";
import { makeNamespaces, removeNamespaces } from "./namespaces.ts";
import { netavarkNetwork } from "./netavark.ts";
import type { Attachment, Bridge, Network, PortMapping } from "./network.ts";
import { privateNetwork } from "./privateNetwork.ts";

export interface RealBridge {
  readonly bridge: Bridge;
  /** Holds the lock, netavark's state and the pins. */
  readonly directory: string;
  readonly network: Network;
  /** A pod whose namespace stands: made anew, unless `keep`. */
  pod(number: number, ports?: readonly PortMapping[], keep?: "keep"): Attachment;
  dropNamespace(pod: Attachment): void;
  left(): Promise<readonly string[]>;
  close(): void;
}

export interface RealBridgeOptions {
  /** One that another process has made. */
  readonly directory?: string;
  /** In place of netavark. */
  readonly binary?: string;
  readonly driver?: DriverName;
}

export type DriverName = "netavark" | "private";

/** The bridge numbered `number` (0–255). */
export function realBridge(number: number, options: RealBridgeOptions = {}): RealBridge {
  const directory = options.directory ?? mkdtempSync(`${tmpdir()}/wherry-network-`);
  const prefix = `10.213.${number}`;
  const bridge = { name: `wht${number}`, interface: `wht${number}x0`, subnet: `${prefix}.0/24`, gateway: `${prefix}.1`, subnet6: `fd77:${number}::/64`, gateway6: `fd77:${number}::1` };
  const own6 = (index: number): { readonly ip6?: string } => (hostHasIPv6() ? { ip6: `fd77:${number}::${(index + 1).toString(16)}` } : {});
  mkdirSync(`${directory}/netns`, { recursive: true });
  const dropNamespace = (pod: Attachment): void => removeNamespaces({ network: pod.netns });
  return {
    bridge,
    directory,
    network: networkOf(directory, options),
    pod(index, ports = [], keep) {
      const netns = `${directory}/netns/${index}`;
      if (keep === undefined) makeNamespaces({ files: { network: netns }, hostname: "" });
      return { uid: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`, podName: `pod-${index}`, netns, bridge, ip: `${prefix}.${index + 1}`, ...own6(index), ports };
    },
    dropNamespace,
    async left() {
      const { interfaces, rules } = await listLeftovers({ bridge, directory });
      return [...interfaces, ...rules];
    },
    close() {
      for (let index = 1; index <= 200; index += 1) removeNamespaces({ network: `${directory}/netns/${index}` });
      rmSync(directory, { recursive: true });
    },
  };
}

function networkOf(directory: string, { driver, binary }: RealBridgeOptions): Network {
  if (driver === "private") return privateNetwork({ registerDirectory: `${directory}/config`, lockPath: `${directory}/lock` });
  return netavarkNetwork({ configDirectory: `${directory}/config`, lockPath: `${directory}/lock`, ...(binary === undefined ? {} : { binary }) });
}
