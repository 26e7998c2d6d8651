/** `wherry ps`: services with their pods. */
import { fail } from "../../base/errors.ts";
import { type Node, podIp, readyWord, restartsOf, statusWord } from "../../pod/status.ts";
import type { ContainerRecord, PodRecord, RuntimeState, ServiceRun } from "../../state/state.ts";
import { age } from "../age.ts";
import type { Command, Listing } from "../command.ts";
import type { Context } from "../context.ts";
import { containersByPod } from "../find.ts";
import { restartsWord } from "../kinds/pods.ts";
import { output, WATCH } from "../options.ts";
import { portsOf } from "../ports.ts";
import { columns } from "../print.ts";
import { didYouMean } from "../suggest.ts";
import { changes } from "../watching.ts";

export const command: Command = {
  description: "Without -a: services that run, and those of their pods that have not ended.",
  examples: ["wherry ps", "wherry ps -a -o wide", "wherry ps shop --watch"],
  options: [
    { long: "all", short: "a", summary: "stopped services and ended pods too" },
    { long: "quiet", short: "q", summary: "names of services only" },
    output("json", "yaml", "wide"),
    WATCH,
  ],
  words: [{ name: "SERVICE", optional: true, repeat: true, complete: "services" }],
  async run(context, input) {
    const query = { all: input.flag("all"), names: input.words };
    if (input.flag("watch")) return { kind: "watch", redraw: true, frames: frames(context, query) };
    const found = await entries(context, query);
    if (!input.flag("quiet")) return { kind: "listing", listings: [listing(found, context)] };
    return { kind: "text", text: [...new Set(found.map((entry) => entry.service))].join("\n") };
  },
};

interface Query {
  readonly all: boolean;
  /** Empty: all services. */
  readonly names: readonly string[];
}

/** A line: a pod, or a service that has none. */
interface Entry {
  readonly service: string;
  /** `stopped` when it has no service container. */
  readonly phase: ServiceRun["phase"] | "stopped";
  readonly since: number;
  readonly pod?: { readonly record: PodRecord; readonly containers: readonly ContainerRecord[]; readonly ports: readonly string[] };
}

async function* frames(context: Context, query: Query): AsyncGenerator<Listing> {
  for await (const _ of changes(context)) yield listing(await entries(context, query), context);
}

async function entries(context: Context, query: Query): Promise<readonly Entry[]> {
  const state = await context.engine.runtime();
  const runs = state.runs().filter((run) => query.all || run.phase !== "ended");
  const stopped = query.all || query.names.length > 0 ? (await context.engine.durable()).services() : [];
  const known = [...new Set([...state.runs().map((run) => run.service), ...stopped.map((service) => service.name)])];
  const wrong = query.names.find((name) => !known.some((each) => each === name));
  if (wrong !== undefined) fail("notFound", `Cannot find service "${wrong}": it does not exist`, didYouMean(wrong, known));
  const byPod = containersByPod(state);
  return known
    .filter((name) => query.names.length === 0 || query.names.includes(name))
    .toSorted()
    .flatMap((name): readonly Entry[] => {
      const run = runs.find((each) => each.service === name);
      if (run === undefined && !query.all && query.names.length === 0) return [];
      const base = { service: name, phase: run?.phase ?? "stopped", since: run?.startedAt ?? 0 } as const;
      const pods = podsOf(state, { service: name, all: query.all });
      if (pods.length === 0) return [base];
      return pods.map((record) => ({ ...base, pod: { record, containers: byPod.get(record.uid) ?? [], ports: portsOf(record, state.hostPorts(record.uid)) } }));
    });
}

function podsOf(state: RuntimeState, { service, all }: { readonly service: string; readonly all: boolean }): readonly PodRecord[] {
  return state
    .pods({ service })
    .filter((pod) => all || (pod.phase !== "Succeeded" && pod.phase !== "Failed" && pod.wanted !== "stopped"))
    .toSorted((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
}

const sortKey = ({ pod: { metadata } }: PodRecord): string => `${metadata.namespace}/${metadata.name}`;

function listing(found: readonly Entry[], context: Context): Listing {
  const [node, now] = [context.node(), context.now()];
  return {
    columns: columns("SERVICE,NAMESPACE,POD,READY,STATUS,RESTARTS,IP,PORTS,AGE|CONTAINERS,IMAGES"),
    rows: found.map((entry) => ({ name: entry.service, cells: cells(entry, { node, now }) })),
    value: () => found.map((entry) => valueOf(entry, node)),
  };
}

function cells({ service, phase, since, pod }: Entry, { node, now }: { readonly node: Node; readonly now: number }): readonly string[] {
  if (pod === undefined) return [service, NONE, NONE, "0/0", capital(phase), "0", NONE, NONE, since === 0 ? NONE : age(since, now), NONE, NONE];
  const { record, containers, ports } = pod;
  const { name, namespace } = record.pod.metadata;
  const main = record.pod.spec.containers;
  return [
    service,
    namespace,
    name,
    readyWord(record, containers),
    statusWord(record, containers),
    restartsWord(record, containers, now),
    podIp(record, node) || NONE,
    ports.join(",") || NONE,
    age(record.createdAt, now),
    main.map((each) => each.name).join(","),
    main.map((each) => each.image).join(","),
  ];
}

const NONE = "<none>";
const capital = (word: string): string => `${word[0]?.toUpperCase()}${word.slice(1)}`;

/** The value that `-o json` prints for one line; stable, documented by its test. */
function valueOf({ service, phase, pod }: Entry, node: Node): unknown {
  if (pod === undefined) return { service, phase };
  const { record, containers, ports } = pod;
  return {
    service,
    phase,
    namespace: record.pod.metadata.namespace,
    pod: record.pod.metadata.name,
    uid: record.uid,
    ready: readyWord(record, containers),
    status: statusWord(record, containers),
    restarts: restartsOf(record, containers).count,
    ip: podIp(record, node),
    ports,
    createdAt: new Date(record.createdAt).toISOString(),
    containers: record.pod.spec.containers.map(({ name, image }) => ({ name, image })),
  };
}
