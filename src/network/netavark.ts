/**
 * Pods on a bridge by netavark(1).
 *
 * What many netavarks at once would break, and what keeps it whole. Shared among the pods of a bridge are the bridge and
 * the network's chains: made by the setup that finds them missing, removed by the teardown that finds no port left on the
 * bridge. Both look first and act later, so two of them, or one of each, can meet. Therefore:
 * - the first attach (*opening*) and what follows the last detach (*closing*) run alone: exclusive lock;
 * - everything between runs side by side: shared lock. Setups find all shared things made and add only what is the pod's
 *   own; the anchor keeps teardowns from thinking they are the last;
 * - the register, not the kernel, says which pods are on the bridge: namespaces die asynchronously;
 * - a pod whose last change did not end is changed under the exclusive lock: netavarks inherit the lock, so a stray one
 *   of a killed process has ended by then.
 * The chains of IPv6 are made by *raising* (`ipv6.ts`), and removed with the others.
 * A pod without host ports has no firewall rules of its own, and its teardown leaves the firewall alone. netavark's
 * outermost chains (NETAVARK_FORWARD, NETAVARK-HOSTPORT-…) stay, as netavark has it: they are common to all its users.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fail, messageOf } from "../base/errors.ts";
import { interfaceIndex } from "../base/libc.ts";
import { semaphore } from "../base/semaphore.ts";
import { bridgeExists, removeIdleBridge, removePorts, setAnchor } from "./anchor.ts";
import { addGateway6, addPodAddress6, deafen, isPublished6, keepRouters, raiseBridge, trustAddresses } from "./ipv6.ts";
import { inStead, isAlone, isOpen, type Job, lock6For, lockFor, netavark } from "./job.ts";
import { rulesOf } from "./leftovers.ts";
import type { SharedLock } from "./lock.ts";
import { inNetwork, isLostNamespace, namespacesStand, removeNamespaces } from "./namespaces.ts";
import type { Network } from "./network.ts";
import { register } from "./register.ts";
import { macIn, POD_INTERFACE } from "./request.ts";
import { deleteLink } from "./rtnetlink.ts";

export interface NetavarkOptions {
  /** On tmpfs; holds one directory per bridge. */
  readonly configDirectory: string;
  /** One file for all bridges of the host, because of netavark's outermost chains. */
  readonly lockPath: string;
  /** Path of the program; looked for where distributions put it when absent. */
  readonly binary?: string;
}

/** Where distributions put it, outside of the usual directories. */
export const NETAVARK_PLACES: readonly string[] = ["/usr/lib/podman/netavark", "/usr/libexec/podman/netavark", "/usr/local/lib/podman/netavark", "/usr/local/libexec/podman/netavark"];
/** iptables' words for: another user of the outermost chains (Podman) came in between. */
const TRANSIENT = /Chain already exists|Resource temporarily unavailable|RULE_(INSERT|APPEND|DELETE) failed|holding the xtables lock/;
const ATTEMPTS = 3;

/** The network driver on netavark. Runs a bounded number of netavarks at once, whatever it is asked. */
export function netavarkNetwork(options: NetavarkOptions): Network {
  const binary = options.binary ?? NETAVARK_PLACES.find((path) => existsSync(path)) ?? "netavark";
  const cores = availableParallelism();
  const attaching = semaphore(2 * cores), detaching = semaphore(8 * cores); // a detach mostly waits for the kernel's grace periods
  const job = (attachment: Job["attachment"]): Job =>
    ({ attachment, known: register(options.configDirectory, attachment.bridge), binary, lockPath: options.lockPath });
  return {
    attach: (attachment) => attaching.run(() => attach(job(attachment))),
    detach: (attachment) => detaching.run(() => detach(job(attachment))),
  };
}

async function attach(job: Job): Promise<{ readonly mac: string }> {
  const { uid, podName, netns, ip6, bridge } = job.attachment;
  if (!namespacesStand({ network: netns })) fail("failed", `Cannot attach pod "${podName}": "${netns}" is not a network namespace`);
  if (job.known.member(uid) !== undefined) await detach(job);
  if (ip6 !== undefined) inNetwork(netns, trustAddresses);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { mac: macIn(await addMember(job), bridge) };
    } catch (thrown) {
      endure(thrown);
      await detach(job).catch(endure); // what could not be undone stays in the register, for the next attach or detach
      if (attempt === ATTEMPTS || !TRANSIENT.test(messageOf(thrown))) throw thrown;
    }
  }
}

/**
 * Returns netavark's answer. Goes round again when another pod has opened the bridge meanwhile; and when this one has, for
 * what others need not wait for.
 */
async function addMember(job: Job): Promise<string> {
  let opened: string | undefined;
  for (;;) {
    {
      using lock = await lockFor(job, "shared");
      if (isOpen(job)) return await setUpMember(job, lock, opened);
    }
    using lock = await lockFor(job, "exclusive");
    if (!isOpen(job)) opened = await openWithMember(job, lock);
  }
}

/** `opened`: the answer of the setup that has opened the bridge, when it was this pod's. */
async function setUpMember(job: Job, lock: SharedLock, opened?: string): Promise<string> {
  const { uid, netns, ip6 } = job.attachment;
  if (opened === undefined) {
    job.known.putMember(uid, "changing");
    removeInterface(netns);
  }
  const published6 = isPublished6(job.attachment);
  if (published6) await raiseBridge(job);
  const answer = opened ?? (await netavark(job, "setup", { lock, families: published6 ? "both" : "IPv4" }));
  if (ip6 !== undefined && !published6) {
    await raiseBridge(job);
    addPodAddress6(job.attachment, ip6);
  }
  job.known.putMember(uid, "attached");
  return answer;
}

/** Opening: the pod's setup makes the bridge and all chains, those of IPv6 when it needs them itself. Needs the exclusive lock. */
async function openWithMember(job: Job, lock: SharedLock): Promise<string> {
  job.known.putMember(job.attachment.uid, "changing");
  removeInterface(job.attachment.netns);
  return await openBridge(job, lock, job.attachment.netns);
}

async function openBridge(job: Job, lock: SharedLock, netns: string): Promise<string> {
  const { bridge } = job.attachment;
  const published6 = isPublished6(job.attachment);
  job.known.putBridge("changing");
  removeIdleBridge(bridge);
  if (published6) keepRouters();
  const answer = await netavark(job, "setup", { lock, netns, portChain: true, families: published6 ? "both" : "IPv4" });
  deafen(bridge);
  if (published6) addGateway6(bridge);
  setAnchor(bridge);
  job.known.putBridge(published6 ? "open6" : "open");
  return answer;
}

async function detach(job: Job): Promise<void> {
  if (job.known.member(job.attachment.uid) !== undefined && !isAlone(job)) await takeDownOne(job);
  if (isAlone(job)) await takeDownLast(job);
}

async function takeDownOne(job: Job): Promise<void> {
  if (job.known.member(job.attachment.uid) === "attached") {
    using lock = await lockFor(job, "shared");
    if (isOpen(job)) return await takeDownMember(job, lock);
  }
  using lock = await lockFor(job, "exclusive");
  await takeDownMember(job, lock);
}

/** Takes down what is the pod's own, on a bridge that stays. Of a bridge that is not open it needs the exclusive lock. */
async function takeDownMember(job: Job, lock: SharedLock): Promise<void> {
  job.known.putMember(job.attachment.uid, "changing");
  // Not open while others are on it: after a crash, or by a stranger's hand
  if (!isOpen(job)) await inStead(job, { linked: false }, (netns) => openBridge(job, lock, netns));
  const there = hasInterface(job.attachment.netns);
  if (job.attachment.ports.length === 0) {
    if (there) await netavark(job, "teardown", { lock, linkOnly: true });
  } else {
    const how = { lock, families: isPublished6(job.attachment) ? "both" : "IPv4" } as const;
    if (there) await netavark(job, "teardown", how);
    else await inStead(job, { linked: true }, (netns) => netavark(job, "teardown", { ...how, netns }));
  }
  removeNamespaces({ network: job.known.standIn(job.attachment.uid) }); // one that a killed process has left
  job.known.removeMember(job.attachment);
}

/** Closing, with the last pod or after it, unless another pod has come meanwhile. */
async function takeDownLast(job: Job): Promise<void> {
  const { known, attachment } = job;
  if (known.bridge() === undefined && known.member(attachment.uid) === undefined) return;
  using lock = await lockFor(job, "exclusive");
  if (!isAlone(job)) {
    if (known.member(attachment.uid) !== undefined) await takeDownMember(job, lock);
    return;
  }
  if (known.bridge() !== undefined) await closeBridge(job, lock);
  known.removeMember(attachment);
}

/** With no port on the bridge, netavark's teardown of the pod is also that of the bridge and its chains. */
async function closeBridge(job: Job, lock: SharedLock): Promise<void> {
  const { bridge, netns } = job.attachment;
  const state = job.known.bridge();
  const whole = state !== "raising" && isOpen(job);
  using _lock6 = state === "raising" ? await lock6For(job) : undefined; // a netavark of a killed process may still be at it
  job.known.putBridge("changing");
  removeInterface(netns);
  removePorts(bridge);
  const families = state === "open6" ? "both" : "IPv4";
  const teardown = (standIn: string): Promise<unknown> => netavark(job, "teardown", { lock, netns: standIn, portChain: true, families });
  const closed = whole && (await inStead(job, { linked: true }, teardown).then(() => true, endure));
  if (!closed) await closeBroken(job, lock, families === "both" || state === "raising");
  if (bridgeExists(bridge)) fail("failed", `Cannot remove network "${bridge.name}": interface "${bridge.interface}" is still there`);
  for (const network of job.known.standIns()) removeNamespaces({ network });
  job.known.removeBridge();
}

/** Somewhere between made and removed. netavark fails on chains that it does not find, so all is made before it is taken down. */
async function closeBroken(job: Job, lock: SharedLock, ipv6: boolean): Promise<void> {
  const { bridge, ip6 } = job.attachment;
  removeIdleBridge(bridge);
  const rules = await rulesOf(bridge);
  if (rules.length === 0) return;
  const families = ipv6 || ip6 !== undefined || rules.some((rule) => rule.includes(bridge.subnet6)) ? "both" : "IPv4";
  await inStead(job, { linked: false }, async (netns) => {
    await netavark(job, "setup", { lock, netns, portChain: true, families });
    await netavark(job, "teardown", { lock, netns, portChain: true, families });
  });
}

/** Goes on after an error, unless this process is in the wrong namespace. */
function endure(thrown: unknown): false {
  if (isLostNamespace(thrown)) throw thrown;
  return false;
}

/** An interface that nobody knows of any more would be in the way. */
function removeInterface(netns: string): void {
  if (hasInterface(netns)) inNetwork(netns, () => deleteLink(POD_INTERFACE));
}

function hasInterface(netns: string): boolean {
  return namespacesStand({ network: netns }) && inNetwork(netns, () => interfaceIndex(POD_INTERFACE) > 0);
}
