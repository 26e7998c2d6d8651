/** Keeps the way from a user's network to the outside open, as long as this process has pods there. */
import { messageOf } from "../base/errors.ts";
import { processEnd } from "../base/processEnd.ts";

export interface OutsideKeeperOptions {
  /** The file that names the helper. */
  readonly helper: string;
  /** Makes sure that the helper lives; returns why it does not. */
  readonly ensure: () => Promise<string | undefined>;
}

/** Hears why there is no way to the outside. */
export type Tell = (why: string) => void;

/** A helper that has lived for so many milliseconds is started again at once; else a pause comes before, which doubles. */
const STEADY = 10_000, FIRST_PAUSE = 1_000, LONGEST_PAUSE = 300_000;

export class OutsideKeeper {
  readonly #options: OutsideKeeperOptions;
  /** By uid. */
  readonly #pods = new Map<string, Tell>();
  #keeping = false;
  #told: string | undefined;

  constructor(options: OutsideKeeperOptions) {
    this.#options = options;
  }

  /** Opens the way for a pod, and keeps it open until the pod is removed. `tell` hears when that cannot be done, now and later. */
  async add(uid: string, tell: Tell = () => undefined): Promise<void> {
    this.#pods.set(uid, tell);
    const why = await this.#ensure();
    this.#told = why;
    if (why !== undefined) safely(tell, why);
    void this.#keep(why === undefined ? 0 : 1);
  }

  /** A pod that was never added is success. */
  remove(uid: string): void {
    this.#pods.delete(uid);
  }

  async #ensure(): Promise<string | undefined> {
    return await this.#options.ensure().catch(messageOf);
  }

  /** One loop for all pods, which goes round when the helper has ended, or could not be started. */
  async #keep(failures: number): Promise<void> {
    if (this.#keeping) return;
    this.#keeping = true;
    while (this.#pods.size > 0) {
      const since = performance.now();
      await processEnd(this.#options.helper).catch(() => undefined); // no descriptor is free: it is tried again
      failures = performance.now() - since > STEADY ? 1 : failures + 1;
      if (failures > 1) await pause(Math.min(FIRST_PAUSE * 2 ** (failures - 2), LONGEST_PAUSE));
      if (this.#pods.size > 0) this.#tellAll(await this.#ensure());
    }
    this.#keeping = false;
  }

  #tellAll(why: string | undefined): void {
    if (why !== undefined && why !== this.#told) for (const tell of this.#pods.values()) safely(tell, why);
    this.#told = why;
  }
}

/** Keeps this process from nothing. */
const pause = (time: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, time).unref());

function safely(tell: Tell, why: string): void {
  try {
    tell(why);
  } catch {
    // who cannot be told (a full /run) needs the way all the same
  }
}
