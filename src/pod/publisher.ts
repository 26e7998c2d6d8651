/**
 * The processes that an ordinary user's pods have their host ports from (`network/publish.ts`): one for each pod that has
 * some. Each records its pid and start time in a file before it does anything else, and lives on when its starter dies;
 * whoever takes a pod over finds it there. Who started or found it starts it again when it is killed.
 */
import { rmSync, writeFileSync } from "node:fs";
import { WherryError, fail } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { ensureDirectory, readIfExists } from "../base/files.ts";
import { livingProcess, startTimeOf } from "../base/pidFile.ts";
import { processEnd } from "../base/processEnd.ts";
import type { Attachment } from "../network/network.ts";
import type { Publication } from "../network/publish.ts";
import { uncarried } from "./networkCalls.ts";

/** What the process says when it listens. */
export const PUBLISHED = "published";

/** Milliseconds until it must listen; until it is gone when it is killed; and before one that ended is started again. */
const START_TIMEOUT = 20_000, END_TIMEOUT = 5_000, AGAIN = 1_000;

/** Records itself in `$1`; unless `$2` says no longer that `$3` is wanted, it becomes the other words. */
const BECOME = 'echo "$$ $(cut -d " " -f 22 "/proc/$$/stat")" >"$1"; [ "$(cat "$2" 2>/dev/null)" = "$3" ] || { rm -f "$1"; exit 1; }; shift 3; exec "$@"';

/** Follows the word in the file while its process is being ended. */
const ENDING = " ending";

/** Which start of a pod's process is wanted: a word for it, in a file of the pod's. */
export interface Wanted {
  readonly file: string;
  readonly token: string;
}

/** Pid and start time of a process are in a file of its own: one that comes late, started by who was killed, finds that it is not wanted. */
export const recordOf = ({ file, token }: Wanted): string => `${file}.${token}`;

/** argv of a process that is recorded before it becomes `argv`, and does not become it when it is not wanted any more. */
export const recorded = (wanted: Wanted, argv: readonly string[]): readonly string[] =>
  ["setsid", "sh", "-euc", BECOME, "publish", recordOf(wanted), wanted.file, wanted.token, ...argv];

export interface PublisherOptions {
  /** Holds two files for each process. */
  readonly directory: string;
  readonly netns: string;
  /** argv that starts this program again. */
  readonly self: readonly string[];
}

/** The last change of each pod's process, by its file. */
const changes = new Map<string, Promise<void>>();

export class Publisher {
  readonly #options: PublisherOptions;
  /** Which start of a process is watched, by the pod's uid. */
  readonly #watched = new Map<string, string>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Gives a pod its host ports, anew when it has them; fails as `publish`. */
  start(attachment: Attachment): Promise<void> {
    return this.#inTurn(attachment, () => this.#start(attachment));
  }

  /** Takes the host ports back; a pod without is success. */
  stop(attachment: Attachment): Promise<void> {
    return this.#inTurn(attachment, () => this.#stop(attachment));
  }

  /** As `start`, unless it has them. */
  async resume(attachment: Attachment): Promise<void> {
    if (attachment.ports.length === 0) return;
    await this.#inTurn(attachment, async () => {
      if (this.#living(attachment) === undefined) await this.#start(attachment);
      else this.#watch(attachment);
    });
  }

  async #start(attachment: Attachment): Promise<void> {
    await this.#stop(attachment);
    if (attachment.ports.length === 0) return;
    const { directory, netns, self } = this.#options;
    ensureDirectory(directory);
    const wanted = { file: this.#file(attachment), token: crypto.randomUUID() };
    writeFileSync(wanted.file, wanted.token);
    const request: Publication = { attachment, netns };
    const child = Bun.spawn([...recorded(wanted, [...self, "publish"])], { env: { ...CLEAN_ENV }, stdin: Buffer.from(JSON.stringify(request)), stdout: "pipe", stderr: "ignore", cwd: "/" });
    await ready(child, attachment);
    child.unref();
    this.#watch(attachment);
  }

  async #stop(attachment: Attachment): Promise<void> {
    this.#watched.delete(attachment.uid);
    const known = this.#known(attachment);
    if (known === undefined) return;
    writeFileSync(known.file, `${known.token}${ENDING}`); // who has not recorded itself by now will not go on
    const pid = livingProcess(recordOf(known));
    if (pid !== undefined) await end(pid, attachment);
    for (const file of [recordOf(known), known.file]) rmSync(file, { force: true });
  }

  /** One change of a pod's process after the other. Other processes are kept apart by the lock of the pod's service. */
  async #inTurn(attachment: Attachment, change: () => Promise<void>): Promise<void> {
    const file = this.#file(attachment);
    const last = changes.get(file) ?? Promise.resolve();
    const mine = last.then(change, change);
    changes.set(file, mine);
    try {
      await mine;
    } finally {
      if (changes.get(file) === mine) changes.delete(file);
    }
  }

  #file({ uid }: Attachment): string {
    return `${this.#options.directory}/${uid}`;
  }

  /** The last start, also when it is being taken back. */
  #known(attachment: Attachment): (Wanted & { readonly ending: boolean }) | undefined {
    const file = this.#file(attachment);
    const text = readIfExists(file);
    return text === undefined ? undefined : { file, token: text.replace(ENDING, ""), ending: text.endsWith(ENDING) };
  }

  #wanted(attachment: Attachment): Wanted | undefined {
    const known = this.#known(attachment);
    return known?.ending === false ? known : undefined;
  }

  #living(attachment: Attachment): number | undefined {
    const wanted = this.#wanted(attachment);
    return wanted === undefined ? undefined : livingProcess(recordOf(wanted));
  }

  /** The process may be another's child. One that has ended meanwhile is restarted. */
  #watch(attachment: Attachment): void {
    const wanted = this.#wanted(attachment);
    if (wanted === undefined || this.#watched.get(attachment.uid) === wanted.token) return;
    this.#watched.set(attachment.uid, wanted.token);
    const restart = (): void => this.#restart(attachment, wanted);
    void processEnd(recordOf(wanted)).then(restart, restart);
  }

  /** One that was killed is started again, unless somebody has taken it back or started it meanwhile. */
  #restart(attachment: Attachment, wanted: Wanted): void {
    setTimeout(() => {
      const mine = this.#watched.get(attachment.uid) === wanted.token && this.#wanted(attachment)?.token === wanted.token;
      if (mine) this.resume(attachment).catch(() => this.#watch(attachment));
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
