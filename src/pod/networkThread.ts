/**
 * The network thread: a Worker whose thread lives in the user's network namespace. A thread that leaves the host's
 * network namespace can never come back (setns(2) wants rights in the host), so everything that has to happen in the
 * user's one happens here: interfaces and namespaces of pods, and the sockets of probes. From here
 * the rest of the program works as it does for root.
 *
 * It also has host name and IPC namespaces of its own: making those of a pod means to leave and to come back too.
 */
import { CLONE_NEWIPC, CLONE_NEWUTS, unshare } from "../base/libc.ts";
import { enterNetwork, makeNamespaces } from "../network/namespaces.ts";
import type { Network } from "../network/network.ts";
import { privateNetwork } from "../network/rootless.ts";
import { makeUserNamespaces } from "../network/userNamespace.ts";
import { type AnyCall, carried, type FromThread, type NetworkThreadSetup, type ToThread } from "./networkCalls.ts";
import { networkHook } from "./hooks.ts";
import { networkProbe } from "./probe.ts";
import { type Through, throughUnix } from "./throughUnix.ts";

declare const self: {
  addEventListener(type: "message", listener: (event: { readonly data: ToThread }) => void): void;
  postMessage(message: FromThread): void;
};

const underway = new Map<number, AbortController>();

/** What the thread works with once it is where it belongs. */
interface Tools {
  readonly network: Network;
  readonly through: Through;
}
let tools: Tools | undefined;

self.addEventListener("message", ({ data }) => {
  if (data.is === "setup") begin(data.setup);
  else if (data.is === "abort") underway.get(data.id)?.abort();
  else void answer(data.id, data.call);
});

function begin(setup: NetworkThreadSetup): void {
  try {
    unshare(CLONE_NEWUTS | CLONE_NEWIPC);
    enterNetwork(setup.netns);
    tools = { network: privateNetwork(setup.network), through: throughUnix(setup.waysDirectory) };
  } catch (thrown) {
    self.postMessage({ is: "lost", error: carried(thrown) });
  }
}

async function answer(id: number, call: AnyCall): Promise<void> {
  if (tools === undefined) return; // it has said that it is lost
  const controller = new AbortController();
  underway.set(id, controller);
  try {
    const value = await perform(call, { ...tools, signal: controller.signal });
    self.postMessage({ is: "answer", id, value });
  } catch (thrown) {
    self.postMessage({ is: "error", id, error: carried(thrown) });
  } finally {
    underway.delete(id);
  }
}

async function perform(call: AnyCall, { network, through, signal }: Tools & { readonly signal: AbortSignal }): Promise<unknown> {
  const { name, given } = call;
  if (name === "attach") return await network.attach(given);
  if (name === "detach") return await network.detach(given);
  if (name === "makeNamespaces") return makeNamespaces(given);
  if (name === "makeUserNamespaces") return await makeUserNamespaces(given);
  if (name === "probe") return await networkProbe(given.probe, { ...given, signal, through });
  return await networkHook(given.action, { ...given, signal, through });
}
