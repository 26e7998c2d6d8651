/** What a pod may learn of itself and of the host: the values that the downward API is made of. */
import { statfsSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import type { Allocatable, PodFacts } from "../container/downward.ts";
import type { PodRecord } from "../state/state.ts";
import type { PodHost } from "./pod.ts";
import { podIps } from "./status.ts";

/** For `fieldValue`. */
export function factsOf(host: Pick<PodHost, "node">, record: PodRecord): PodFacts {
  const node = host.node();
  return { pod: record.pod, uid: record.uid, node, podIPs: podIps(record, node) };
}

/** For `resourceValue`: all that the host has, as nothing of it is kept from pods. */
export function allocatableOf({ paths }: Pick<PodHost, "paths">): Allocatable {
  const { bsize, blocks } = statfsSync(paths.durable);
  return { cpu: String(cpus().length), memory: String(totalmem()), "ephemeral-storage": String(bsize * blocks) };
}
