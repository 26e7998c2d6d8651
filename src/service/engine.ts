/**
 * Everything a process needs to change services, made once from the paths and handed down. Opening it is cheap: what
 * not every command needs is looked up when it is first used.
 */
import { ensureDirectory } from "../base/files.ts";
import { durableDatabase, runtimeDatabase, runtimeRoot, type Paths } from "../base/paths.ts";
import { admissionFacts, hostLimits } from "../container/host.ts";
import { hostHasIPv6 } from "../network/ipv6.ts";
import { netavarkNetwork } from "../network/netavark.ts";
import type { Bridge } from "../network/network.ts";
import { kernel } from "../pod/kernel.ts";
import { fetchImage } from "../pod/fetch.ts";
import { thisNode } from "../pod/node.ts";
import type { PodHost } from "../pod/pod.ts";
import type { NetworkThread } from "../pod/networkThreadClient.ts";
import { rootlessParts } from "../pod/rootless.ts";
import { imagePuller } from "../pod/puller.ts";
import { ociRuntime } from "../runtime/ociRuntime.ts";
import { openDurable } from "../state/durable.ts";
import { openRuntime } from "../state/runtime.ts";
import type { DurableState } from "../state/state.ts";
import { credsVault } from "../systemd/creds.ts";
import { isJournalRunning } from "../systemd/host.ts";

/**
 * One for the whole host: netavark's outermost firewall chains are common to all bridges. Not in /run/lock, where
 * anybody may make a file and lock it. A user's pods are in a network of the user's own.
 */
const NETWORK_LOCK = "/run/wherry-network.lock";

export interface Engine extends Disposable {
  readonly paths: Paths;
  readonly durable: DurableState;
  readonly host: PodHost;
}

export interface EngineOptions {
  readonly paths: Paths;
  readonly now: () => number;
  /** Where the process that pulls finds credentials, registries' settings and proxies. */
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** An ordinary user's, where it has been begun already. */
  readonly thread?: NetworkThread;
}

export function openEngine({ paths, now, imageEnvironment, thread }: EngineOptions): Engine {
  for (const directory of [paths.durable, paths.runtime, paths.logs]) ensureDirectory(directory);
  const durable = openDurable(durableDatabase(paths), { vault: credsVault() });
  const state = openRuntime(runtimeDatabase(paths));
  const host: PodHost = {
    paths,
    state,
    images: durable.images,
    puller: imagePuller({ fetch: fetchImage(paths), images: durable.images, environment: imageEnvironment }),
    claims: durable.claims,
    runtime: ociRuntime({ root: runtimeRoot(paths) }),
    ...(paths.rootless === undefined ? rootParts(paths) : rootlessParts(paths, thread)),
    bridge: bridgeOf(paths.runtime),
    ipv6: hostHasIPv6,
    limits: memoized((cgroup) => hostLimits(cgroup, { policy: paths.durable })),
    journal: isJournalRunning(),
    admission: () => admissionFacts(paths.durable),
    node: thisNode,
    now,
  };
  return {
    paths,
    durable,
    host,
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      durable[Symbol.dispose]();
    },
  };
}

const rootParts = (paths: Paths): Pick<PodHost, "network" | "kernel"> =>
  ({ network: netavarkNetwork({ configDirectory: `${paths.runtime}/netavark`, lockPath: NETWORK_LOCK }), kernel });

/**
 * The bridge of all pods. Every runtime directory has its own, so that two wherrys on one host (a test beside the real
 * one) never share addresses: the usual one is wherry0 with 10.89.0.0/16, another is named after its path. The prefix of
 * IPv6 is a unique local one (RFC 4193), with an identifier of the path.
 */
export function bridgeOf(runtime: string): Bridge {
  const hash = new Bun.CryptoHasher("sha256").update(runtime).digest();
  const prefix6 = prefix6Of(hash);
  const second = { subnet6: `${prefix6}/64`, gateway6: `${prefix6}1` };
  if (runtime === "/run/wherry") return { name: "wherry", interface: "wherry0", subnet: "10.89.0.0/16", gateway: "10.89.0.1", ...second };
  const tag = hash.toString("hex").slice(0, 8);
  const net = `10.${128 + ((hash[0] ?? 0) % 100)}`;
  return { name: `wherry-${tag}`, interface: `wherry${tag}`, subnet: `${net}.0.0/16`, gateway: `${net}.0.1`, ...second };
}

/** `fdXX:XXXX:XXXX::`, as the kernel prints it; its groups are never 0, which `::` would have to stand for. */
function prefix6Of(hash: Buffer): string {
  const groups = [hash.readUInt16BE(6) || 1, hash.readUInt16BE(8) || 1].map((group) => group.toString(16));
  return `fd${hash.toString("hex", 5, 6)}:${groups.join(":")}::`;
}

/** Remembers the answers of a function of one text. */
function memoized<T>(answer: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text) ?? answer(text);
    known.set(text, found);
    return found;
  };
}
