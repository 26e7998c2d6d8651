/**
 * The processes that an ordinary user's pods have their host ports from (`network/publish.ts`): one for each pod that has
 * some. Each records its pid and start time in a file of the pod's uid before it does anything else, and lives on when
 * its starter dies; whoever takes a pod over finds it there. Who started or found it starts it again when it is killed.
 */
import { existsSync, rmSync } from "node:fs";
import { WherryError, fail } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { ensureDirectory } from "../base/files.ts";
import { livingProcess, startTimeOf } from "../base/pidFile.ts";
import { processEnd } from "../base/processEnd.ts";
import type { Attachment } from "../network/network.ts";
import type { Publication } from "../network/publish.ts";
import { uncarried } from "./networkCalls.ts";

/** What the process says when it listens. */
export const PUBLISHED = "published";

/** Milliseconds until it must listen; until it is gone when it is killed; and before one that ended is started again. */
const START_TIMEOUT = 20_000, END_TIMEOUT = 5_000, AGAIN = 1_000;

/** Records itself in `$1`, and becomes the other words. */
const BECOME = 'echo "$$ $(cut -d " " -f 22 "/proc/$$/stat")" >"$1"; shift; exec "$@"';

export interface PublisherOptions {
  /** Holds a file for each process. */
  readonly directory: string;
  readonly netns: string;
  /** argv that starts this program again. */
  readonly self: readonly string[];
}

export class Publisher {
  readonly #options: PublisherOptions;
  /** Which process publishes for a pod, as far as it is watched, by the pod's uid. */
  readonly #watched = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Gives a pod its host ports, anew when it has them; fails as `publish`. */
  async start(attachment: Attachment): Promise<void> {
    await this.#end(attachment);
    if (attachment.ports.length === 0) return;
    const { directory, netns, self } = this.#options;
    ensureDirectory(directory);
    const request: Publication = { attachment, netns };
    const argv = ["setsid", "sh", "-euc", BECOME, "publish", this.#record(attachment), ...self, "publish"];
    const child = Bun.spawn(argv, { env: { ...CLEAN_ENV }, stdin: Buffer.from(JSON.stringify(request)), stdout: "pipe", stderr: "ignore", cwd: "/" });
    await ready(child, attachment);
    child.unref();
    this.#watch(attachment);
  }

  /** Takes the host ports back; a pod without is success. */
  async stop(attachment: Attachment): Promise<void> {
    this.#watched.delete(attachment.uid);
    await this.#end(attachment);
    rmSync(this.#record(attachment), { force: true });
  }

  async #end(attachment: Attachment): Promise<void> {
    const pid = this.#living(attachment);
    if (pid !== undefined) await end(pid, attachment);
  }

  /** As `start`, unless it has them. */
  async resume(attachment: Attachment): Promise<void> {
    if (attachment.ports.length === 0) return;
    if (this.#living(attachment) === undefined) await this.start(attachment);
    else this.#watch(attachment);
  }

  #record({ uid }: Attachment): string {
    return `${this.#options.directory}/${uid}`;
  }

  #living(attachment: Attachment): number | undefined {
    return livingProcess(this.#record(attachment));
  }

  /** The process may be another's child. One that has ended meanwhile is restarted. */
  #watch(attachment: Attachment): void {
    const pid = this.#living(attachment) ?? 0;
    if (pid !== 0 && this.#watched.get(attachment.uid) === pid) return;
    this.#watched.set(attachment.uid, pid);
    const restart = (): void => this.#restart(attachment, pid);
    void processEnd(this.#record(attachment)).then(restart, restart);
  }

  /** One that was killed is started again, unless somebody has taken it back or started it meanwhile. */
  #restart(attachment: Attachment, pid: number): void {
    setTimeout(() => {
      const mine = this.#watched.get(attachment.uid) === pid && existsSync(this.#record(attachment));
      if (mine) this.resume(attachment).catch(() => this.#restart(attachment, pid));
    }, AGAIN).unref();
  }
}

async function ready(child: Bun.Subprocess<Buffer, "pipe", "ignore">, { podName }: Attachment): Promise<void> {
  const late = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT);
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  try {
    for (let said = ""; ; ) {
      const { done, value } = await reader.read();
      said += decoder.decode(value, { stream: true });
      if (said.trim() === PUBLISHED) return;
      if (done) throw errorIn(said, podName);
    }
  } finally {
    clearTimeout(late);
    void reader.cancel();
  }
}

function errorIn(said: string, podName: string): Error {
  try {
    const error: unknown = JSON.parse(said);
    if (typeof error === "object" && error !== null && "message" in error && typeof error.message === "string") return uncarried({ ...error, message: error.message });
  } catch {
    // it ended without a word
  }
  return new WherryError("failed", `Cannot publish the ports of pod "${podName}": the process ended`);
}

async function end(pid: number, { podName }: Attachment): Promise<void> {
  process.kill(pid, "SIGKILL");
  for (let waited = 0; startTimeOf(pid) !== undefined; waited += 2) {
    if (waited > END_TIMEOUT) fail("timeout", `Cannot end the process that publishes the ports of pod "${podName}": process ${pid} is still there`);
    await Bun.sleep(2);
  }
}

/** The request as `start` wrote it. */
export function parsePublication(text: string): Publication {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("attachment" in value) || !("netns" in value)) fail("usage", "Cannot publish ports: there is no request on standard input");
  return value as Publication; // parse function: both ends are this program, and its fields are there
}
