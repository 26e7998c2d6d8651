/** One change of one pod on a bridge, and the steps that all changes are made of. */
import { fail } from "../base/errors.ts";
import { anchorStands } from "./anchor.ts";
import { type SharedLock, takeLock } from "./lock.ts";
import { inNetwork, makeNamespaces, removeNamespaces } from "./namespaces.ts";
import type { Attachment } from "./network.ts";
import type { BridgeState, Register } from "./register.ts";
import { netavarkRequest, POD_INTERFACE, type RequestOptions, sentenceIn } from "./request.ts";
import { addVeth } from "./rtnetlink.ts";

export interface Job {
  readonly attachment: Attachment;
  readonly known: Register;
  /** Path of netavark. */
  readonly binary: string;
  readonly lockPath: string;
}

/** Milliseconds for one netavark, and for the wait until others have ended. */
const COMMAND_TIMEOUT = 60_000, LOCK_TIMEOUT = 120_000;

export const lockFor = (job: Job, mode: "shared" | "exclusive"): Promise<SharedLock> =>
  takeLock(job.lockPath, { shared: mode === "shared", timeout: LOCK_TIMEOUT });

/** For the chains of IPv6; who holds it holds the other, too, and has taken that first. */
export const lock6For = (job: Job): Promise<SharedLock> => takeLock(`${job.lockPath}.ipv6`, { shared: false, timeout: LOCK_TIMEOUT });

/** The bridge and all chains of its network stand, but for those of IPv6. */
export const isOpen = ({ known, attachment }: Job): boolean => OPEN.includes(known.bridge()) && anchorStands(attachment.bridge);
const OPEN: readonly (BridgeState | undefined)[] = ["open", "raising", "open6"];
/** No other pod is on the bridge. */
export const isAlone = ({ known, attachment }: Job): boolean => known.members().every((uid) => uid === attachment.uid);

/** Runs netavark on the pod's namespace, or on another, and returns its answer. Kind `failed` with its sentence. */
export async function netavark(job: Job, verb: "setup" | "teardown", how: RequestOptions & { readonly lock: SharedLock; readonly netns?: string }): Promise<string> {
  const { podName, uid, bridge, netns } = job.attachment;
  const argv = [job.binary, "--config", job.known.netavarkDirectory, verb, how.netns ?? netns];
  const { status, stdout, stderr } = await how.lock.run(argv, { stdin: netavarkRequest(job.attachment, how), timeout: COMMAND_TIMEOUT });
  if (status === 0) return stdout;
  const action = verb === "setup" ? `attach pod "${podName}" to` : `detach pod "${podName}" from`;
  const sentence = sentenceIn(stdout) || stderr.trim() || `exit status ${status}`;
  fail("failed", `Cannot ${action} network "${bridge.name}": netavark: ${sentence}`, { context: { argv, status, stderr, uid } });
}

/**
 * Runs `action` with a network namespace that stands in for the pod's, when the pod has none or its interface is gone.
 * `linked`: it has an interface for netavark to take down.
 */
export async function inStead(job: Job, options: { readonly linked: boolean }, action: (netns: string) => Promise<unknown>): Promise<void> {
  const network = job.known.standIn(job.attachment.uid);
  makeNamespaces({ files: { network }, hostname: "" });
  try {
    if (options.linked) inNetwork(network, () => addVeth({ link: POD_INTERFACE, peer: "peer0" }));
    await action(network);
  } finally {
    removeNamespaces({ network });
  }
}
