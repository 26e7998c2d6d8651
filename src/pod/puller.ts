/**
 * Pulling for the pods of one process: what several want with the same credentials is fetched once, few things at a
 * time, and given up when nobody wants it any more.
 */
import { fail, messageOf } from "../base/errors.ts";
import { semaphore } from "../base/semaphore.ts";
import { resolveName } from "../storage/shortNames.ts";
import type { ImageCatalog } from "../storage/storage.ts";
import { goDuration } from "./backoff.ts";
import type { FetchRequest } from "./fetch.ts";
import type { PullProgress } from "./fetchLines.ts";
import type { ImagePuller, Pulled, PullRequest } from "./pod.ts";

/** Images that are fetched at the same time; each fetches several layers. */
const FETCHES_MAX = 4;

export interface PullerOptions {
  /** Fetches an image and resolves with its id. */
  readonly fetch: (request: FetchRequest) => Promise<string>;
  readonly images: Pick<ImageCatalog, "find">;
  readonly environment: Readonly<Record<string, string>>;
}

/** One image that is being fetched, and who wants it, first come first. */
interface Shared {
  readonly asking: Set<PullRequest>;
  readonly abandoned: AbortController;
  outcome: Promise<Pulled>;
  progress?: PullProgress;
  /** Last step that was told, and how. */
  told: number;
  line: string;
}

export function imagePuller(options: PullerOptions): ImagePuller {
  return new SharedPuller(options);
}

class SharedPuller implements ImagePuller {
  readonly #options: PullerOptions;
  readonly #underway = new Map<string, Shared>();
  readonly #turns = semaphore(FETCHES_MAX);
  readonly #listeners = new Set<(line: string) => void>();
  #environment: Readonly<Record<string, string>>;

  constructor(options: PullerOptions) {
    this.#options = options;
    this.#environment = options.environment;
  }

  names(reference: string): readonly string[] {
    return resolveName(reference, this.#environment);
  }

  use(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }

  listen(listener: (line: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  underway(): readonly string[] {
    return [...this.#underway.values()].map(({ line }) => line).filter((line) => line !== "");
  }

  async pull(reference: string, request: PullRequest): Promise<Pulled> {
    request.signal.throwIfAborted();
    const key = JSON.stringify([reference, request.secrets.map(({ digest }) => digest)]);
    const shared = this.#underway.get(key) ?? this.#begin(reference, key);
    shared.asking.add(request);
    if (shared.progress !== undefined) request.onProgress(shared.progress);
    const gone = Promise.withResolvers<never>();
    const leave = (): void => gone.reject(request.signal.reason);
    request.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([shared.outcome, gone.promise]);
    } finally {
      request.signal.removeEventListener("abort", leave);
      shared.asking.delete(request);
      if (shared.asking.size === 0) this.#forget(key, shared);
    }
  }

  #begin(reference: string, key: string): Shared {
    const shared: Shared = { asking: new Set(), abandoned: new AbortController(), outcome: Promise.reject(new Error()), told: 0, line: "" };
    shared.outcome.catch(() => {});
    shared.outcome = this.#fetch(reference, shared).finally(() => this.#forget(key, shared));
    shared.outcome.catch(() => {}); // who wanted it may have gone
    this.#underway.set(key, shared);
    return shared;
  }

  #forget(key: string, shared: Shared): void {
    shared.abandoned.abort();
    if (this.#underway.get(key) === shared) this.#underway.delete(key);
  }

  /** When it fails while who it was begun for has gone, the files with its credentials went with it: it is begun anew for the next. */
  async #fetch(reference: string, shared: Shared): Promise<Pulled> {
    for (;;) {
      let asked: PullRequest | undefined;
      try {
        return await this.#turns.run(async () => {
          shared.abandoned.signal.throwIfAborted();
          [asked] = shared.asking;
          return await this.#fetchFor(asked, { reference, shared });
        });
      } catch (thrown) {
        if (asked === undefined || shared.asking.has(asked) || shared.asking.size === 0) throw thrown;
      }
    }
  }

  async #fetchFor(asked: PullRequest | undefined, { reference, shared }: { readonly reference: string; readonly shared: Shared }): Promise<Pulled> {
    const begun = performance.now();
    this.#tell((shared.line = `pulling image "${reference}"`));
    const id = await this.#options.fetch({
      reference,
      authFiles: (asked?.secrets ?? []).map(({ path }) => path),
      environment: this.#environment,
      signal: shared.abandoned.signal,
      onProgress: (progress) => this.#progress(reference, shared, progress),
    });
    const image = this.#options.images.find(id) ?? fail("failed", `Cannot pull image "${reference}": it was removed at once`, { code: "ErrImagePull", context: { transient: true } });
    const took = performance.now() - begun;
    this.#tell(`pulled image "${reference}" in ${goDuration(took)}`);
    return { image, took };
  }

  #progress(reference: string, shared: Shared, progress: PullProgress): void {
    shared.progress = progress;
    for (const { onProgress } of shared.asking) onProgress(progress);
    const step = Math.floor(progress.total > 0 ? (progress.bytes * 10) / progress.total : progress.bytes / 10_000_000);
    if (step <= shared.told) return;
    shared.told = step;
    this.#tell((shared.line = `pulling image "${reference}": ${amountOf(progress)}`));
  }

  /** Who listens does not keep an image from coming. */
  #tell(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }
}

/** `45%`, or `12MB` where the whole is not known. */
export const amountOf = ({ bytes, total }: PullProgress): string =>
  total > 0 ? `${Math.min(100, Math.floor((bytes * 100) / total))}%` : `${Math.floor(bytes / 1_000_000)}MB`;

/** The sentence of a failed pull, for a message that names the image itself. */
export const whyNotPulled = (thrown: unknown): string => messageOf(thrown).replace(/^Cannot pull image "[^"]*": /, "");
