/**
 * The images of one pod's containers: pulled all at once and early, waited for by nobody but the container that needs
 * its own, with the kubelet's reasons, events and back-off (pkg/kubelet/images/image_manager.go). What is under way is
 * kept here only: after a crash the records still say that the containers wait, and it is begun again.
 */
import { WherryError } from "../base/errors.ts";
import type { ContainerName, ContainerState } from "../spec/spec.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import type { Image } from "../storage/storage.ts";
import { goDuration, pullDelay } from "./backoff.ts";
import { fieldPathOf } from "./fieldPath.ts";
import { imageNeed, specOf, type ImageLookup, type ImageNeed } from "./image.ts";
import type { ConfigSource, PodHost, PodReporter, Pulled } from "./pod.ts";
import { amountOf, whyNotPulled } from "./puller.ts";
import { pullSecretsOf, writeAuthFiles } from "./pullSecrets.ts";

export interface ImagesOptions {
  readonly host: PodHost;
  readonly config: ConfigSource;
  readonly reporter: PodReporter;
  /** The pod is to be looked at again: an image has come, or does not come. */
  readonly onSettled: () => void;
  /** `pulling` says something else. */
  readonly onProgress: () => void;
}

export interface Look {
  readonly containers: readonly ContainerRecord[];
  /** Containers that wait for their image. */
  readonly held: ReadonlySet<string>;
  readonly wakeAt?: number;
}

export type Taken =
  /** `present`: nothing had to be pulled, which the start is to tell. */
  | { readonly is: "image"; readonly image: Image; readonly present: boolean }
  | { readonly is: "refused"; readonly state: ContainerState }
  /** It has gone since: the pod is to be looked at again. */
  | { readonly is: "gone" };

interface Pulling {
  readonly image: string;
  readonly waiting: Map<ContainerName, ContainerRecord>;
  readonly stop: AbortController;
  readonly begun: number;
  shown: string;
}

/** An image for the next start of a container. */
interface Ready {
  readonly image: Image;
  readonly pulled: boolean;
  /** When it was last seen, by a clock that nobody sets. */
  readonly seen: number;
}

type Need = Extract<ImageNeed, { is: "pull" }>;

/** Milliseconds from a failed pull to the look that finds the image in back-off: the kubelet's next look at the pod. */
export const BACKOFF_SHOWN_AFTER = 2_000;
/** Milliseconds in which an image that was seen is still there: it is not looked up again for a start that comes at once. */
const SEEN_FOR = 1_000;
/** `pulling` changes in steps of so many hundredths. */
const STEP = 5;

export class PodImages {
  readonly #options: ImagesOptions;
  /** By the image's name in the manifest. */
  readonly #pulls = new Map<string, Pulling>();
  readonly #failures = new Map<string, number>();
  /** Images found or pulled for the next start of a container. */
  readonly #ready = new Map<ContainerName, Ready>();
  /** When a failure becomes a back-off. */
  readonly #shownAt = new Map<ContainerName, number>();
  /** Ends of pulls that are still to be recorded. */
  readonly #settled: (() => void)[] = [];

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  #lookup(): ImageLookup {
    const { images, puller } = this.#options.host;
    return { images, names: (reference) => puller.names(reference) };
  }

  /** Records how pulls have ended, begins those that are due. For a pod that is to run; `before` are its containers. */
  look(record: PodRecord, before: readonly ContainerRecord[]): Look {
    const { state } = this.#options.host;
    const changed = this.#recordSettled();
    const { flipped, wakeAt } = this.#flip(record, changed ? state.containers(record.uid) : before);
    const containers = changed || flipped ? state.containers(record.uid) : before;
    for (const container of containers) if (this.#isDue(container)) this.#prepare(record, container);
    const held = new Set<string>([...this.#pulls.values()].flatMap(({ waiting }) => [...waiting.keys()]));
    return { containers, held, ...(wakeAt === undefined ? {} : { wakeAt }) };
  }

  #recordSettled(): boolean {
    if (this.#settled.length === 0) return false;
    for (let next = this.#settled[0]; next !== undefined; next = this.#settled[0]) {
      next(); // what cannot be recorded now is recorded at the next look
      this.#settled.shift();
    }
    return true;
  }

  #isDue({ name, state }: ContainerRecord): boolean {
    if (state.status !== "waiting") {
      this.#ready.delete(name);
      return false;
    }
    return !this.#ready.has(name) && (state.until === undefined || state.until <= this.#options.host.now());
  }

  #prepare(record: PodRecord, container: ContainerRecord): void {
    const spec = specOf(record, container);
    const need = imageNeed(this.#lookup(), spec);
    if (need.is === "present") this.#setReady(container.name, need.image, { pulled: false });
    if (need.is !== "pull") return; // what is refused is refused at the start
    const pulling = this.#pulls.get(spec.image);
    if (pulling?.waiting.has(container.name) === true) return;
    this.#event(container, "Normal", ["Pulling", `Pulling image "${spec.image}"`]);
    if (pulling === undefined) this.#begin(record, container, need);
    else pulling.waiting.set(container.name, container);
  }

  #setReady(name: ContainerName, image: Image, { pulled }: { readonly pulled: boolean }): void {
    this.#ready.set(name, { image, pulled, seen: performance.now() });
  }

  #begin(record: PodRecord, container: ContainerRecord, need: Need): void {
    const pulling: Pulling = { image: container.image, waiting: new Map([[container.name, container]]), stop: new AbortController(), begun: performance.now(), shown: "pulling" };
    this.#pulls.set(container.image, pulling);
    void this.#pull(record, pulling, need);
    this.#options.onProgress();
  }

  async #pull(record: PodRecord, pulling: Pulling, need: Need): Promise<void> {
    const settle = await this.#outcome(record, pulling, need);
    if (pulling.stop.signal.aborted) return;
    this.#pulls.delete(pulling.image);
    this.#settled.push(settle);
    this.#options.onSettled();
  }

  /** What is to be recorded of a pull when it has ended. */
  async #outcome(record: PodRecord, pulling: Pulling, { reference, otherwise }: Need): Promise<() => void> {
    const { host, config, reporter } = this.#options;
    try {
      const { found, missing } = pullSecretsOf(record, config);
      if (missing.length > 0) {
        const message = `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`;
        reporter.event({ type: "Warning", reason: "FailedToRetrieveImagePullSecret", message, fieldPath: "" });
      }
      using auth = writeAuthFiles(host.paths, record.uid, { reference, secrets: found });
      const onProgress = (progress: Parameters<typeof amountOf>[0]): void => this.#show(pulling, amountOf(progress));
      const pulled = await host.puller.pull(reference, { secrets: auth.files, signal: pulling.stop.signal, onProgress });
      return () => this.#came(pulling, pulled);
    } catch (thrown) {
      if (otherwise !== undefined) return () => this.#takeOtherwise(pulling, otherwise);
      return () => this.#failed(record, pulling, thrown);
    }
  }

  #show(pulling: Pulling, amount: string): void {
    const number = Number.parseInt(amount, 10);
    const shown = `pulling ${Math.floor(number / STEP) * STEP}${amount.replace(/^\d+/, "")}`;
    if (shown === pulling.shown) return;
    pulling.shown = shown;
    this.#options.onProgress();
  }

  #takeOtherwise({ image, waiting }: Pulling, otherwise: Image): void {
    this.#failures.delete(image);
    for (const name of waiting.keys()) this.#setReady(name, otherwise, { pulled: false });
  }

  #came({ image, waiting, begun }: Pulling, pulled: Pulled): void {
    const total = performance.now() - begun;
    const times = `${goDuration(Math.min(pulled.took, total))} (${goDuration(total)} including waiting)`;
    this.#failures.delete(image);
    for (const container of waiting.values()) {
      this.#event(container, "Normal", ["Pulled", `Successfully pulled image "${image}" in ${times}. Image size: ${pulled.image.size} bytes.`]);
      this.#setReady(container.name, pulled.image, { pulled: true });
    }
  }

  #failed(record: PodRecord, { image, waiting }: Pulling, thrown: unknown): void {
    const { host, reporter } = this.#options;
    const { reason, transient } = whyFailed(thrown);
    const why = whyNotPulled(thrown);
    const message = reason === "RegistryUnavailable" ? `image pull failed for ${image} because the registry is unavailable: ${why}` : why;
    const until = this.#backOff(image);
    host.state.transaction(() => {
      for (const container of waiting.values()) {
        this.#event(container, "Warning", ["Failed", `Failed to pull image "${image}": ${why}`]);
        this.#event(container, "Warning", ["Failed", `Error: ${reason}`]);
        this.#wait(record, container, { status: "waiting", reason, message, until, ...(transient ? { transient } : {}) });
      }
    });
    for (const { name } of waiting.values()) {
      this.#shownAt.set(name, host.now() + BACKOFF_SHOWN_AFTER);
      reporter.progress(`${reason}: ${message}`, name);
    }
  }

  /** Counts a failure; returns when the next try is due. */
  #backOff(image: string): number {
    const failures = (this.#failures.get(image) ?? 0) + 1;
    this.#failures.set(image, failures);
    return this.#options.host.now() + pullDelay(failures);
  }

  /** A container that has been started, or is being, meanwhile does not wait. */
  #wait(record: PodRecord, { name }: ContainerRecord, state: ContainerState): void {
    const { state: records } = this.#options.host;
    const now = records.containers(record.uid).find((each) => each.name === name);
    if (now?.state.status === "waiting") records.updateContainer(record.uid, name, { state });
  }

  /** Failures that have been shown long enough become the back-off that follows them; at once what an earlier process left. */
  #flip(record: PodRecord, containers: readonly ContainerRecord[]): { readonly flipped: boolean; readonly wakeAt?: number } {
    const now = this.#options.host.now();
    const later: number[] = [];
    let flipped = false;
    for (const container of containers) {
      const { state } = container;
      if (state.status !== "waiting" || !PULL_FAILURES.has(state.reason) || (state.until ?? 0) <= now) continue;
      const at = this.#shownAt.get(container.name) ?? 0;
      if (at > now) later.push(at);
      else flipped = this.#showBackOff(record, container, state);
    }
    return { flipped, ...(later.length === 0 ? {} : { wakeAt: Math.min(...later) }) };
  }

  #showBackOff(record: PodRecord, container: ContainerRecord, state: Extract<ContainerState, { status: "waiting" }>): true {
    const message = `Back-off pulling image "${container.image}"`;
    this.#options.host.state.transaction(() => {
      this.#event(container, "Normal", ["BackOff", message]);
      this.#event(container, "Warning", ["Failed", "Error: ImagePullBackOff"]);
      this.#wait(record, container, { ...state, reason: "ImagePullBackOff", message: `${message}: ${state.reason}: ${state.message ?? ""}` });
    });
    return true;
  }

  /** The image for a start that comes now. */
  take(record: PodRecord, container: ContainerRecord): Taken {
    const { host } = this.#options;
    const ready = this.#ready.get(container.name);
    this.#ready.delete(container.name);
    if (ready === undefined) return this.#refuse(record, container);
    const image = performance.now() - ready.seen < SEEN_FOR ? ready.image : host.images.find(ready.image.id);
    if (image === undefined) return { is: "gone" };
    this.#failures.delete(container.image);
    return { is: "image", image, present: !ready.pulled };
  }

  #refuse(record: PodRecord, container: ContainerRecord): Taken {
    const need = imageNeed(this.#lookup(), specOf(record, container));
    if (need.is !== "refused") return { is: "gone" };
    this.#event(container, "Warning", [need.event, need.message]);
    this.#event(container, "Warning", ["Failed", `Error: ${need.reason}`]);
    this.#options.reporter.progress(`${need.reason}: ${need.message}`, container.name);
    return { is: "refused", state: { status: "waiting", reason: need.reason, message: need.message, until: this.#backOff(container.image) } };
  }

  /** Gives up what is under way: the pod shall not run. */
  stop(): void {
    for (const { stop } of this.#pulls.values()) stop.abort();
    this.#pulls.clear();
    this.#settled.length = 0;
    this.#ready.clear();
  }

  /** What is said of the containers that wait for an image: `pulling 45%`. */
  pulling(): ReadonlyMap<string, string> {
    return new Map([...this.#pulls.values()].flatMap(({ waiting, shown }) => [...waiting.keys()].map((name) => [String(name), shown] as const)));
  }

  #event(container: ContainerRecord, type: "Normal" | "Warning", [reason, message]: readonly [string, string]): void {
    this.#options.reporter.event({ type, reason, message, fieldPath: fieldPathOf(container) });
  }
}

/** Reasons that become `ImagePullBackOff`. */
const PULL_FAILURES: ReadonlySet<string> = new Set(["ErrImagePull", "RegistryUnavailable"]);

/** The kubelet's reason, and whether another try may end otherwise. */
function whyFailed(thrown: unknown): { readonly reason: string; readonly transient: boolean } {
  if (!(thrown instanceof WherryError)) return { reason: "ErrImagePull", transient: false };
  if (thrown.code === "ErrRegistryUnavailable") return { reason: "RegistryUnavailable", transient: true };
  return { reason: thrown.code === "InvalidImageName" ? thrown.code : "ErrImagePull", transient: thrown.context["transient"] === true };
}
