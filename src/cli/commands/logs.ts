/** `wherry logs`: what containers have written, with kubectl's grammar. */
import { serviceLog } from "../../base/paths.ts";
import { fail } from "../../base/errors.ts";
import type { ContainerRecord, PodRecord, RuntimeState } from "../../state/state.ts";
import { parseCount, parseDuration } from "../age.ts";
import type { Command, Input, Outcome } from "../command.ts";
import type { Context } from "../context.ts";
import { chooseContainer, containersOf, findPod, podWord } from "../find.ts";
import { findService } from "../findService.ts";
import { follow, LogReader } from "../logFile.ts";
import { batched, lastLines, limited, merged, newerThan, printer } from "../logText.ts";
import { CONTAINER, NAMESPACE, namespaceOf } from "../options.ts";
import { changes } from "../watching.ts";

export const command: Command = {
  description: "With -f it ends when the container has ended. service/NAME shows what the supervisor of a service has logged.",
  examples: ["wherry logs web -c nginx -f", "wherry logs web --previous", "wherry logs web --all-containers --prefix --since 5m", "wherry logs service/shop"],
  options: [
    NAMESPACE,
    CONTAINER,
    { long: "follow", short: "f", summary: "go on and show what is written from now on" },
    { long: "previous", short: "p", summary: "the log of the container's previous life" },
    { long: "since", value: "DURATION", summary: "only what is newer than this: 10s, 5m, 1h30m; 0 for all" },
    { long: "since-time", value: "TIME", summary: "only what was written since this RFC 3339 time" },
    { long: "tail", value: "LINES", summary: "only the last lines; -1 for all" },
    { long: "timestamps", summary: "the time before every line" },
    { long: "all-containers", summary: "all containers of the pod, init containers first" },
    { long: "prefix", summary: "pod and container before every line" },
    { long: "limit-bytes", value: "BYTES", summary: "end after this many bytes" },
  ],
  words: [
    { name: "POD", complete: "pods-or-services" },
    { name: "CONTAINER", optional: true, complete: "containers" },
  ],
  run: logs,
};

/** One log to show. `over`: following it ends when this holds; undefined: it cannot grow. */
interface Source {
  readonly path: string;
  readonly label: string;
  readonly over: (() => Promise<boolean>) | undefined;
}

async function logs(context: Context, input: Input): Promise<Outcome> {
  const sources = await sourcesOf(context, input);
  const stop = new AbortController();
  const streams = sources.map((source) => stream(context, source, { input, stop: stop.signal }));
  const all = input.flag("follow") ? merged(streams, stop) : inTurn(streams);
  const limit = input.text("limit-bytes");
  return { kind: "stream", chunks: limit === undefined ? all : limited(all, parseCount(limit, "limit-bytes")) };
}

async function sourcesOf(context: Context, input: Input): Promise<readonly Source[]> {
  const [word = "", second] = input.words;
  const [kind, service] = word.split("/");
  const state = await context.engine.runtime();
  if (service !== undefined && (kind === "service" || kind === "services")) return [await serviceSource(context, state, service)];
  const pod = findPod(state, { namespace: namespaceOf(input, { all: false }) ?? "default", name: podWord(word) });
  const containers = containersOf(state, pod);
  const options = { previous: input.flag("previous") };
  if (input.flag("all-containers")) return containers.filter((each) => logPath(each, options) !== "").map((each) => containerSource(state, { pod, container: each }, options));
  const { container, note } = chooseContainer(pod, containers, input.text("container") ?? second);
  if (note !== "") await context.stderr.write(`${note}\n`);
  return [containerSource(state, { pod, container }, options)];
}

interface Chosen {
  readonly pod: PodRecord;
  readonly container: ContainerRecord;
}

/** Fails with kind `notFound` when the container has no such log. */
function containerSource(state: RuntimeState, { pod, container }: Chosen, options: { readonly previous: boolean }): Source {
  const path = logPath(container, options);
  const where = `container "${container.name}" of pod "${pod.pod.metadata.name}"`;
  if (path === "" && options.previous) fail("notFound", `Cannot show the previous log of ${where}: it has had no previous life`);
  if (path === "") fail("notFound", `Cannot show the log of ${where}: it waits to start${container.state.status === "waiting" ? `: ${container.state.reason}` : ""}`);
  const label = `[pod/${pod.pod.metadata.name}/${container.name}] `;
  return { path, label, over: options.previous ? undefined : async () => hasEnded(state, { pod, container, path }) };
}

/**
 * The log of the present life, or of the one before. A container that waits for its restart has ended, so that its
 * last life is the previous one, as the kubelet sees it.
 */
function logPath(container: ContainerRecord, { previous }: { readonly previous: boolean }): string {
  const waiting = container.state.status === "waiting" && container.last !== undefined;
  return previous && !waiting ? container.previousLogPath : container.logPath;
}

/** The life that writes to `path` is over: the container does not run, or writes elsewhere. */
function hasEnded(state: RuntimeState, { pod, container, path }: Chosen & { readonly path: string }): boolean {
  const now = state.containers(pod.uid).find((each) => each.name === container.name);
  return now === undefined || now.logPath !== path || now.state.status === "waiting" || now.state.status === "terminated";
}

async function serviceSource(context: Context, state: RuntimeState, name: string): Promise<Source> {
  await findService(context, name);
  const over = async (): Promise<boolean> => (state.run(name)?.phase ?? "ended") === "ended";
  return { path: serviceLog(context.paths, name), label: `[service/${name}] `, over };
}

async function* inTurn(streams: readonly AsyncIterable<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  for (const each of streams) yield* each;
}

async function* stream(context: Context, source: Source, { input, stop }: { readonly input: Input; readonly stop: AbortSignal }): AsyncGenerator<Uint8Array> {
  using reader = new LogReader(source.path);
  const print = printer({ timestamps: input.flag("timestamps"), prefix: input.flag("prefix") ? source.label : "" });
  const tail = input.text("tail");
  const recent = newerThan(reader.read(), sinceOf(input, context.now()));
  const begin = tail === undefined || tail === "-1" ? recent : lastLines(recent, parseCount(tail, "tail"));
  if (!reader.found) fail("notFound", `Cannot read the log "${source.path}": it does not exist`);
  yield* batched(begin, print);
  if (!input.flag("follow") || source.over === undefined) return;
  const ended = new AbortController();
  stop.addEventListener("abort", () => ended.abort());
  const watching = abortWhen(context, source.over, ended);
  try {
    for await (const entry of follow(reader, source.path, { signal: ended.signal })) yield print(entry);
  } finally {
    ended.abort();
    await watching;
  }
}

/** Aborts when `over` holds; ends when aborted by others. */
async function abortWhen(context: Context, over: () => Promise<boolean>, ended: AbortController): Promise<void> {
  for await (const _ of changes(context, { signal: ended.signal })) if (await over()) ended.abort();
}

/** Milliseconds since the epoch; -Infinity for all. */
function sinceOf(input: Input, now: number): number {
  const span = input.text("since");
  const time = input.text("since-time");
  if (span !== undefined && time !== undefined) fail("usage", "Cannot use --since and --since-time together: give one");
  if (span !== undefined) return parseDuration(span) === 0 ? -Infinity : now - parseDuration(span);
  if (time === undefined) return -Infinity;
  const parsed = Date.parse(time);
  if (Number.isNaN(parsed)) fail("usage", `Cannot read "${time}" as a time: it must be in RFC 3339, like 2026-01-02T15:04:05Z`);
  return parsed;
}
