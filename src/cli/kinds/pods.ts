/** Pods, with kubectl's columns. */
import { type Node, podIp, podObject, readyWord, restartsOf, statusWord } from "../../pod/status.ts";
import type { ContainerRecord, PodRecord } from "../../state/state.ts";
import { age, humanDuration } from "../age.ts";
import { containersByPod } from "../find.ts";
import { byName, type Item, type Kind } from "../item.ts";
import { columns } from "../print.ts";

export const kind: Kind = {
  columns: columns("NAME,READY,STATUS,RESTARTS,AGE|IP,NODE"),
  async read(context, { namespace }) {
    const state = await context.engine.runtime();
    const containers = containersByPod(state);
    const pods = state.pods(namespace === undefined ? {} : { namespace });
    const around = { now: context.now(), node: context.node() };
    return pods.map((pod) => item(pod, containers.get(pod.uid) ?? [], around)).toSorted(byName);
  },
};

function item(record: PodRecord, containers: readonly ContainerRecord[], around: { readonly now: number; readonly node: Node }): Item {
  const { name, namespace, labels } = record.pod.metadata;
  const { now, node } = around;
  const cells = [
    name,
    readyWord(record, containers),
    statusWord(record, containers),
    restartsWord(record, containers, now),
    age(record.createdAt, now),
    podIp(record, node) || "<none>",
    node.name,
  ];
  return { name, namespace, labels, cells, object: () => podObject(record, containers, around) };
}

/** `3 (20s ago)` */
export function restartsWord(record: PodRecord, containers: readonly ContainerRecord[], now: number): string {
  const { count, lastAt } = restartsOf(record, containers);
  return count === 0 || lastAt === 0 ? `${count}` : `${count} (${humanDuration(now - lastAt)} ago)`;
}
