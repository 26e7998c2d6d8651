/** Looks at what a pod has stored, again and again while its sandbox stands; a pod without limits on that is never looked at. */
import { messageOf } from "../base/errors.ts";
import type { PodUid } from "../spec/spec.ts";
import type { PodRecord } from "../state/state.ts";
import type { PodHost, PodReporter } from "./pod.ts";
import { limitsStorage, measure, MEASURE_EVERY } from "./storageLimits.ts";

/** Reason of a pod that was ended because of what it used. */
export const EVICTED = "Evicted";
/** Seconds that an evicted pod has to end (kubelet `immediateEvictionGracePeriodSeconds`). */
export const EVICTION_GRACE = 1;

export class StorageWatch implements Disposable {
  readonly #uid: PodUid;
  readonly #host: PodHost;
  readonly #reporter: PodReporter;
  readonly #onEvicted: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  /** `onEvicted` is called when the pod's record says that it is evicted. */
  constructor(uid: PodUid, options: { readonly host: PodHost; readonly reporter: PodReporter; readonly onEvicted: () => void }) {
    this.#uid = uid;
    this.#host = options.host;
    this.#reporter = options.reporter;
    this.#onEvicted = options.onEvicted;
  }

  /** To be called when the pod may have begun to run. */
  begin(record: PodRecord): void {
    if (this.#over || this.#timer !== undefined || record.wanted !== "running" || !limitsStorage(record.pod)) return;
    this.#timer = setTimeout(() => void this.#look(), MEASURE_EVERY);
  }

  async #look(): Promise<void> {
    const before = this.#host.state.pod(this.#uid);
    const why = before === undefined || before.sandboxAt === 0 ? undefined : await this.#measured(before);
    this.#timer = undefined;
    const record = this.#host.state.pod(this.#uid);
    if (this.#over || record === undefined || record.wanted !== "running") return;
    if (why !== undefined) this.#evict(why);
    else if (record.sandboxAt > 0) this.begin(record); // the next sandbox begins anew
  }

  async #measured(record: PodRecord): Promise<string | undefined> {
    try {
      return await measure(this.#host, record);
    } catch (thrown) {
      this.#reporter.progress(`cannot measure: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  #evict(message: string): void {
    this.#host.state.updatePod(this.#uid, { wanted: "stopped", reason: EVICTED, message });
    this.#reporter.event({ type: "Warning", reason: EVICTED, message, fieldPath: "" });
    this.#reporter.progress(`evicted: ${message.trim()}`);
    this.#onEvicted();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
