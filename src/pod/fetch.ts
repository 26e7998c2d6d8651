/**
 * Fetching an image in a process of its own, `wherry image fetch`: who supervises pods stays small and answers while
 * hundreds of megabytes are hashed and unpacked.
 */
import { fail, messageOf, type WherryError } from "../base/errors.ts";
import { CLEAN_ENV } from "../base/exec.ts";
import { lineReader } from "../base/lines.ts";
import type { Paths } from "../base/paths.ts";
import { errorOf, parseFetchLine, type PullProgress } from "./fetchLines.ts";

export interface FetchRequest {
  readonly reference: string;
  /** Paths, tried in this order. */
  readonly authFiles: readonly string[];
  /** Where credentials, registries' settings and proxies are. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PullProgress) => void;
}

/** An image that has not come after this time does not come any more. */
const TIMEOUT = 24 * 3_600_000;
/** Time to end after SIGTERM. */
const PATIENCE = 10_000;

/**
 * Resolves with the image's id when the store has it. Fails with what the process says: code `ErrImagePull`,
 * `ErrRegistryUnavailable` or `InvalidImageName`, and `context.transient`. The process has ended in any case, and the
 * kernel ends it when this one dies.
 */
export const fetchImage = (paths: Paths) => async (request: FetchRequest): Promise<string> => {
  const { reference, signal } = request;
  signal.throwIfAborted();
  const child = start(paths, request);
  using _ = ending(child, signal);
  const said: { id?: string; error?: WherryError; words: string } = { words: "" };
  const read = lineReader("the process that pulls", (text) => {
    const line = parseFetchLine(text);
    if ("progress" in line) request.onProgress(line.progress);
    else if ("image" in line) said.id = line.image.id;
    else said.error = errorOf(line.error);
  });
  const complain = lineReader("the process that pulls", (line) => void (said.words = line));
  try {
    await Promise.all([drain(child.stdout, read), drain(child.stderr, complain)]);
  } catch (thrown) {
    said.words = messageOf(thrown);
    child.kill("SIGKILL");
  }
  const status = await child.exited;
  signal.throwIfAborted();
  if (said.error !== undefined) throw said.error;
  if (said.id !== undefined && status === 0) return said.id;
  fail("failed", `Cannot pull image "${reference}": the process that pulls ended with ${child.signalCode ?? `status ${status}`}${said.words === "" ? "" : `: ${said.words.slice(0, 200)}`}`, {
    code: "ErrImagePull",
    context: { transient: true },
  });
};

type Child = ReturnType<typeof start>;

function start(paths: Paths, { reference, authFiles, environment }: FetchRequest) {
  const files = authFiles.flatMap((file) => ["--authfile", file]);
  return Bun.spawn(["setpriv", "--pdeathsig", "TERM", "--", ...paths.self, "image", "fetch", ...files, "--", reference], {
    env: { ...CLEAN_ENV, ...environment, WHERRY_ROOT: paths.durable, WHERRY_RUNROOT: paths.runtime, WHERRY_LOGS: paths.logs },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIMEOUT,
    killSignal: "SIGKILL",
  });
}

/** Asks the process to end when the signal aborts, and makes it end when it does not. */
function ending(child: Child, signal: AbortSignal): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    child.kill("SIGTERM");
    timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  };
  signal.addEventListener("abort", end, { once: true });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    },
  };
}

async function drain(stream: ReadableStream<Uint8Array>, read: (chunk: Uint8Array) => void): Promise<void> {
  for await (const chunk of stream) read(chunk);
}
