/** Waits for the ends of a pod's containers, and has each recorded once. */
import { messageOf } from "../base/errors.ts";
import type { ContainerId, ContainerName, PodUid, Terminated } from "../spec/spec.ts";
import type { ContainerRecord } from "../state/state.ts";
import { releaseContainer, terminated } from "./end.ts";
import { fieldPathOf } from "./fieldPath.ts";
import { specOf } from "./image.ts";
import type { PodHost, PodReporter } from "./pod.ts";
import { terminationMessage } from "./terminationMessage.ts";

export interface EndsOptions {
  readonly host: PodHost;
  readonly uid: PodUid;
  readonly reporter: PodReporter;
  /** Records an end; called for the start that is recorded as running, and for no other. */
  readonly record: (name: ContainerName, end: Terminated) => void;
}

/** After a wait that failed, in ms. */
const RETRY_AFTER = 10_000;

export class Ends implements Disposable {
  readonly #options: EndsOptions;
  /** The live containers that are watched; the promise resolves when the end has been recorded. */
  readonly #ends = new Map<ContainerName, { readonly id: ContainerId; readonly recorded: Promise<void> }>();
  readonly #watching = new AbortController();

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /** False when the pod has been let go. */
  get open(): boolean {
    return !this.#watching.signal.aborted;
  }

  isWatched(name: ContainerName, id: ContainerId): boolean {
    return this.#ends.get(name)?.id === id;
  }

  /** Resolves when the end of the latest start that is watched has been recorded. */
  recorded(name: ContainerName): Promise<void> | undefined {
    return this.#ends.get(name)?.recorded;
  }

  watch(name: ContainerName, id: ContainerId, bundle: string): void {
    if (this.isWatched(name, id)) return;
    this.#ends.set(name, { id, recorded: this.#recordEnd(name, id, bundle) });
    void this.#endWithRootfs(name, id, bundle);
  }

  /** A container whose root filesystem has ended can do nothing right any more: it is killed, and made anew if it is to run. */
  async #endWithRootfs(name: ContainerName, id: ContainerId, bundle: string): Promise<void> {
    const { host, uid, reporter } = this.#options;
    try {
      if ((await host.kernel.rootfsEnd?.(`${bundle}/rootfs`, this.#watching.signal)) !== true) return;
      const container = this.#running(name, id);
      const pod = host.state.pod(uid);
      if (container === undefined || pod === undefined || !(await host.runtime.kill(id, "SIGKILL"))) return;
      reporter.event({ type: "Warning", reason: "RootfsLost", message: `Root filesystem of container ${name} has ended, the container is killed`, fieldPath: fieldPathOf(container) });
    } catch (thrown) {
      reporter.progress(`cannot watch the root filesystem: ${messageOf(thrown)}`, name);
    }
  }

  /** However often that takes; never, when the pod is let go before. */
  async #recordEnd(name: ContainerName, id: ContainerId, bundle: string): Promise<void> {
    for (;;) {
      try {
        if (await this.#awaitEnd(name, id, bundle)) return;
        await new Promise<never>(() => {});
      } catch (thrown) {
        this.#options.reporter.progress(`cannot watch: ${messageOf(thrown)}`, name);
        await Bun.sleep(RETRY_AFTER);
      }
    }
  }

  /** False when the pod has been let go. */
  async #awaitEnd(name: ContainerName, id: ContainerId, bundle: string): Promise<boolean> {
    const { host, uid, reporter, record } = this.#options;
    const exit = await host.runtime.ended(bundle, { signal: this.#watching.signal });
    if (!this.open) return false;
    const container = this.#running(name, id);
    const pod = host.state.pod(uid);
    if (container === undefined || pod === undefined) return true;
    // What cannot be released now is released before the next start, or with the sandbox: it must not hide the end.
    await releaseContainer(host, uid, id).catch((thrown: unknown) => reporter.progress(`cannot clean up: ${messageOf(thrown)}`, name));
    const end = terminated(container.state, exit, host.now());
    record(name, { ...end, ...(await terminationMessage(host, pod, { spec: specOf(pod, container), container, end })) });
    return true;
  }

  #running(name: ContainerName, id: ContainerId): ContainerRecord | undefined {
    const { host, uid } = this.#options;
    return host.state.containers(uid).find((each) => each.name === name && each.state.status === "running" && each.state.id === id);
  }

  /** Lets go: the containers live on, nobody watches them from here. */
  [Symbol.dispose](): void {
    this.#watching.abort();
  }
}
