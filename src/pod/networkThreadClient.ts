/** The side of a process on its network thread: calls with answers, begun at the first of them. */
import { WherryError } from "../base/errors.ts";
import { type Paths, rootlessDirectory } from "../base/paths.ts";
import { LOST_NAMESPACE } from "../network/network.ts";
import { netnsIn } from "../network/outsideWords.ts";
import { type AnyCall, type CarriedError, type FromThread, type NetworkCallName, type NetworkCalls, type NetworkThreadSetup, type ToThread, uncarried } from "./networkCalls.ts";

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** In the compiled program the thread's module is an entry of its own, and named as the Makefile builds it. */
const MODULE = import.meta.path.startsWith("/$bunfs/") ? "/$bunfs/root/pod/networkThread.js" : new URL("./networkThread.ts", import.meta.url).href;

/**
 * The thread, which is begun when it is first called and ends with the process. While it works for someone the process
 * waits for it. When it dies, everyone who waits gets an error of kind `unavailable`, and the next call begins another.
 */
export class NetworkThread {
  readonly #setup: NetworkThreadSetup;
  #worker: Worker | undefined;
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  constructor(setup: NetworkThreadSetup) {
    this.#setup = setup;
  }

  /** Begins the thread before it is called: it gets ready while this process does. */
  begin(): void {
    const worker = (this.#worker ??= this.#begin());
    if (this.#pending.size === 0) worker.unref();
  }

  /** Has the thread do something. An abort is passed on; the thread says what comes of it. */
  async call<Name extends NetworkCallName>(name: Name, given: NetworkCalls[Name]["given"], signal?: AbortSignal): Promise<NetworkCalls[Name]["answer"]> {
    const worker = (this.#worker ??= this.#begin());
    const id = (this.#last += 1);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const abort = (): void => post(worker, { is: "abort", id });
    this.#pending.set(id, { resolve, reject });
    worker.ref();
    post(worker, { is: "call", id, call: { name, given } as AnyCall }); // the two belong together by this function's own type
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      return (await promise) as NetworkCalls[Name]["answer"]; // the thread answers every call by its name
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#pending.delete(id);
      if (this.#pending.size === 0) worker.unref();
    }
  }

  #begin(): Worker {
    const worker = new Worker(MODULE, { smol: true });
    worker.addEventListener("message", ({ data }: MessageEvent<FromThread>) => this.#heard(worker, data));
    worker.addEventListener("error", ({ message }) => this.#died(worker, message));
    worker.addEventListener("close", () => this.#died(worker, "it ended"));
    post(worker, { is: "setup", setup: this.#setup });
    return worker;
  }

  #heard(worker: Worker, said: FromThread): void {
    if (said.is === "lost") return this.#died(worker, said.error.message);
    const pending = this.#pending.get(said.id);
    if (said.is === "answer") return pending?.resolve(said.value);
    if (isLost(said.error)) return this.#died(worker, said.error.message);
    pending?.reject(uncarried(said.error));
  }

  #died(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    worker.terminate();
    for (const { reject } of this.#pending.values()) reject(deathOf(why, this.#setup));
  }
}

/** The thread for a user's pods; not begun yet. */
export function userNetworkThread({ runtime }: Paths): NetworkThread {
  const directory = rootlessDirectory(runtime);
  return new NetworkThread({ netns: netnsIn(directory), network: { registerDirectory: `${runtime}/bridges`, lockPath: `${directory}/network.lock` }, waysDirectory: `${directory}/ways` });
}

/** A thread that is stuck in a pod's namespace is of no use any more; this process is not lost by that. */
const isLost = ({ code }: CarriedError): boolean => code === LOST_NAMESPACE;

const deathOf = (why: string, { netns }: NetworkThreadSetup): WherryError =>
  new WherryError("unavailable", `Cannot work in network namespace "${netns}": ${why}`, { code: "ENETWORKTHREAD" });

const post = (worker: Worker, message: ToThread): void => worker.postMessage(message);
