/** `wherry port-forward`: connections to this host that end at the loopback interface of a pod. */
import { existsSync } from "node:fs";
import { errnoOf, fail, messageOf } from "../../base/errors.ts";
import { rootlessDirectory } from "../../base/paths.ts";
import { dialLoopback } from "../../network/dial.ts";
import { enterNetwork, isLostNamespace } from "../../network/namespaces.ts";
import { netnsIn } from "../../network/outsideWords.ts";
import { namespaceFiles } from "../../pod/sandbox.ts";
import type { PodRecord } from "../../state/state.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { findPod, podWord } from "../find.ts";
import { type ForwardedPort, parseForwardedPort } from "../forwardedPort.ts";
import { NAMESPACE, namespaceOf } from "../options.ts";
import { join, relayEnd, type RelayEnd, relayHandlers } from "../../network/relay.ts";
import { changes } from "../watching.ts";

export const command: Command = {
  description: "Runs until it is interrupted or the pod is gone; restarts of containers do not end it. In the pod the connections come to localhost.",
  examples: ["wherry port-forward web 8080:80", "wherry port-forward web :http 5432 --address 0.0.0.0"],
  options: [NAMESPACE, { long: "address", value: "IP", repeat: true, summary: "addresses of this host to listen on, also with commas between; localhost is both 127.0.0.1 and ::1 (localhost)" }],
  words: [{ name: "POD", complete: "pods" }, { name: "[LOCAL:]REMOTE", repeat: true }],
  run: portForward,
};

type Listener = Bun.TCPSocketListener<RelayEnd>;

async function portForward(context: Context, input: Input): Promise<Outcome> {
  const [word = "", ...words] = input.words;
  const state = await context.engine.runtime();
  const pod = findPod(state, { namespace: namespaceOf(input, { all: false }) ?? "default", name: podWord(word) });
  const ports = words.map((text) => parseForwardedPort(text, pod.pod));
  const { network } = namespaceFiles({ paths: context.paths }, pod);
  const isUp = pod.network === "host" ? pod.phase === "Running" : network !== undefined && existsSync(network) && pod.sandboxAt > 0;
  if (!isUp) fail("failed", `Cannot forward ports to pod "${pod.pod.metadata.name}": it is ${pod.phase}, it must be running`);
  const listeners: Listener[] = [];
  try {
    const moved = Promise.withResolvers<void>();
    const forwarding: Forwarding = { context, pod, netns: network, moved: moved.promise };
    for (const port of ports) listeners.push(...(await listen(forwarding, port, addressesOf(input))));
    // An ordinary user's thread that enters a pod's network can come back only to the user's own.
    if (network !== undefined && context.paths.rootless !== undefined) enterNetwork(netnsIn(rootlessDirectory(context.paths.runtime)));
    moved.resolve();
    await goneOrInterrupted(context, pod);
    return { kind: "none" };
  } finally {
    for (const each of listeners) each.stop(true);
  }
}

/** The groups of addresses; of a group one must do. */
function addressesOf(input: Input): readonly (readonly string[])[] {
  const given = input.texts("address").flatMap((text) => text.split(","));
  return (given.length === 0 ? ["localhost"] : given).map((each) => (each === "localhost" ? ["127.0.0.1", "::1"] : [each]));
}

interface Forwarding {
  readonly context: Context;
  readonly pod: PodRecord;
  /** Undefined on the host's network. */
  readonly netns: string | undefined;
  /** This process is where it can reach pods from. */
  readonly moved: Promise<void>;
}

async function listen(forwarding: Forwarding, { local, remote }: ForwardedPort, groups: readonly (readonly string[])[]): Promise<readonly Listener[]> {
  const listeners: Listener[] = [];
  let port = local;
  for (const group of groups) {
    const wrong: unknown[] = [];
    for (const hostname of group) {
      try {
        const socket: Bun.SocketHandler<RelayEnd> = { ...relayHandlers, open: (opened) => accept(forwarding, opened, { port, remote }) };
        const listener = Bun.listen<RelayEnd>({ hostname, port, allowHalfOpen: true, data: relayEnd(), socket });
        port = listener.port;
        listeners.push(listener);
        await forwarding.context.stdout.write(`Forwarding from ${hostname.includes(":") ? `[${hostname}]` : hostname}:${port} -> ${remote}\n`);
      } catch (thrown) {
        wrong.push(thrown);
      }
    }
    if (wrong.length < group.length) continue;
    for (const each of listeners) each.stop(true);
    fail("failed", `Cannot listen on port ${port} of "${group.join(", ")}": ${[...new Set(wrong.map((each) => errnoOf(each) ?? messageOf(each)))].join(", ")}`);
  }
  return listeners;
}

function accept({ context, pod, netns, moved }: Forwarding, socket: Bun.Socket<RelayEnd>, { port, remote }: { readonly port: number; readonly remote: number }): void {
  socket.data = relayEnd();
  socket.pause();
  void context.stdout.write(`Handling connection for ${port}\n`);
  const joined = moved.then(() => dialLoopback({ netns, port: remote, data: relayEnd(), socket: relayHandlers })).then((other) => join(socket, other));
  joined.catch((thrown: unknown) => {
    if (isLostNamespace(thrown)) throw thrown; // nobody catches it: the process ends
    socket.terminate();
    void context.stderr.write(`Cannot forward port ${port} to pod "${pod.pod.metadata.name}": failed to connect to localhost:${remote} in it: ${messageOf(thrown)}\n`);
  });
}

/** Resolves at an interrupt; fails when the pod has been removed. */
async function goneOrInterrupted(context: Context, { uid, pod }: PodRecord): Promise<void> {
  const over = new AbortController();
  let interrupted = false;
  void context.interrupted().then(() => {
    interrupted = true;
    over.abort();
  });
  for await (const _ of changes(context, { signal: over.signal })) {
    if ((await context.engine.runtime()).pod(uid) === undefined) break;
  }
  if (!interrupted) fail("failed", `Cannot go on forwarding ports to pod "${pod.metadata.name}": it is gone`);
}
