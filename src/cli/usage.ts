/** What the running containers use: samples of the kernel's counters, and the rates between two of them. */
import { totalmem } from "node:os";
import { networkOf, type Usage, usageOf } from "../runtime/cgroupUsage.ts";
import type { ContainerRecord, PodRecord } from "../state/state.ts";
import { fail } from "../base/errors.ts";
import type { Context } from "./context.ts";
import { containersByPod, podNotFound } from "./find.ts";

export interface UsageQuery {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  /** Empty: all. */
  readonly pods: readonly string[];
  readonly matches: (labels: Readonly<Record<string, string>>) => boolean;
}

/** One running container, or a pod with all of its containers. */
export interface Sample extends Usage {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string | undefined;
  /** Bytes of the pod's network; undefined on the host's. */
  readonly received: number | undefined;
  readonly sent: number | undefined;
  /** Milliseconds of a clock that nobody sets. */
  readonly at: number;
}

/** A sample with what became of it since an earlier one. */
export interface Measured extends Sample {
  /** Cores in use: 1 is one processor all the time. */
  readonly cores: number | undefined;
}

/** The kernel counts and tells nobody: there is nothing to wait for but time. Milliseconds between two looks. */
export const INTERVAL = 1_000;

/** Samples without end, from the second look on. The first one fails with kind `notFound` when a pod that was named is not there. */
export async function* measure(context: Context, query: UsageQuery): AsyncGenerator<readonly Measured[]> {
  let before = await sample(context, query);
  for (;;) {
    await Bun.sleep(INTERVAL);
    const after = await sample(context, query);
    yield after.map((each) => ({ ...each, cores: coresBetween(before.find((other) => isSame(each, other)), each) }));
    before = after;
  }
}

const isSame = (one: Sample, other: Sample): boolean => one.namespace === other.namespace && one.pod === other.pod && one.container === other.container;

function coresBetween(before: Sample | undefined, after: Sample): number | undefined {
  if (before?.cpu === undefined || after.cpu === undefined || after.at <= before.at) return undefined;
  return Math.max(0, after.cpu - before.cpu) / 1e6 / (after.at - before.at);
}

async function sample(context: Context, { namespace, pods, matches }: UsageQuery): Promise<readonly Sample[]> {
  const state = await context.engine.runtime();
  const containers = containersByPod(state);
  const found = state.pods(namespace === undefined ? {} : { namespace }).filter(({ pod: { metadata } }) => (pods.length === 0 || pods.includes(metadata.name)) && matches(metadata.labels));
  const missing = pods.find((name) => !found.some(({ pod }) => pod.metadata.name === name));
  if (missing !== undefined) return namespace === undefined ? fail("notFound", `Cannot find pod "${missing}": it does not exist`) : podNotFound(state, { namespace, name: missing });
  const key = ({ pod: { metadata } }: PodRecord): string => `${metadata.namespace}/${metadata.name}`;
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).flatMap((record) => samplesOf(record, containers.get(record.uid) ?? []));
}

/** The pod first, then its containers. */
function samplesOf(record: PodRecord, containers: readonly ContainerRecord[]): readonly Sample[] {
  const running = containers.flatMap(({ name, state }) => (state.status === "running" ? [{ name, id: state.id, pid: state.pid }] : []));
  const [first] = running;
  if (first === undefined) return [];
  const network = record.network === "host" ? undefined : networkOf(first.pid);
  const { namespace, name: pod } = record.pod.metadata;
  const common = { namespace, pod, received: network?.received, sent: network?.sent, at: performance.now() };
  const of = (container: string | undefined, path: string): readonly Sample[] => {
    const usage = usageOf(path);
    return usage === undefined ? [] : [{ ...common, container, ...usage }];
  };
  return [...of(undefined, record.cgroup), ...running.flatMap(({ name, id }) => of(name, `${record.cgroup}/${id}`))];
}

/** The memory that a sample may use: its limit, or all that the host has. */
export const memoryMax = ({ memoryLimit }: Pick<Usage, "memoryLimit">): number => memoryLimit ?? totalmem();

/** A measured sample as `-o json` prints it. */
export function usageValue(each: Measured): unknown {
  const { namespace, pod, container, cores, cpu, memory, memoryLimit, pids, received, sent, read, written } = each;
  return {
    namespace, pod, container,
    cpuCores: cores === undefined ? null : Number(cores.toFixed(4)),
    cpuNanoseconds: cpu ?? null,
    memoryWorkingSet: memory ?? null,
    memoryLimit: memoryLimit ?? null,
    pids,
    network: { received: received ?? null, sent: sent ?? null },
    blockIO: { read: read ?? null, written: written ?? null },
  };
}
